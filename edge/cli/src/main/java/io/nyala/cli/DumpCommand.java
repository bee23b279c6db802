package io.nyala.cli;

import io.nyala.engine.DirectoryInspection;
import io.nyala.text.Figures;
import io.nyala.text.Json;
import io.nyala.text.TextTable;
import java.io.PrintWriter;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code nyala dump}: the bytes of a file of ours, explained field by field. One thread. */
@Command(
        name = "dump",
        description = {
            "Print a file of an engine's directory as annotated hexadecimal bytes.",
            "Knows rowsets, delta files and segments of both logs, by their first bytes. Of a file with many fields"
                    + " only its sections are listed, unless --all or a part of it is asked for."
        },
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  nyala dump data/rowsets/1.rowset",
            "  nyala dump --from 4096 --bytes 8192 data/wal/000000000001.wal",
            "  nyala dump --all data/storage/000000000001.wal | less"
        })
final class DumpCommand implements Callable<Integer> {
    /** Fields of a file that is printed whole without being asked. */
    private static final int FIELDS_MAX = 2000;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "FILE", description = "A rowset, a delta file, or a segment of a log.")
    private Path path = Path.of("");

    @Option(names = "--all", description = "Print every field, however many there are.")
    private boolean isAll;

    @Option(names = "--from", paramLabel = "BYTE", defaultValue = "-1", description = "Only sections from here on.")
    private long from;

    @Option(
            names = "--bytes",
            paramLabel = "N",
            defaultValue = "-1",
            description = "Only sections within so many bytes from there.")
    private long bytes;

    @Option(names = "--json", description = "Print the list of sections as JSON.")
    private boolean isJson;

    @Override
    public Integer call() {
        OurFile file = OurFile.recognize(path);
        PrintWriter out = spec.commandLine().getOut();
        String withoutFormat = file.withoutFormat();
        if (withoutFormat != null) {
            out.println(path + ": " + file.kind().words() + ": " + withoutFormat);
            return Main.OK;
        }
        try (DirectoryInspection inspection = DirectoryInspection.of(file.root() == null ? file.path() : file.root())) {
            boolean hasCatalog = file.kind() == OurFile.Kind.LOG_SEGMENT && readCatalog(file, inspection);
            MemorySegment whole = inspection.read(file.path(), Long.MAX_VALUE);
            sayWhatIsMissing(file, inspection, whole);
            Consumer<Consumer<DumpGroups.Group>> groups = target -> {
                DumpGroups notes = new DumpGroups(whole, group -> {
                    if (isWanted(group)) {
                        target.accept(group);
                    }
                });
                file.annotate(inspection, whole, hasCatalog, notes);
                notes.end();
            };
            if (isJson) {
                printJson(file, whole, groups, out);
            } else {
                print(file, whole, groups, out);
            }
        }
        return Main.OK;
    }

    /** A file is explained out of memory, which holds no more than our files have, unless rows are very long. */
    private void sayWhatIsMissing(OurFile file, DirectoryInspection inspection, MemorySegment read) {
        String cut = file.cut(inspection, read);
        if (cut != null) {
            spec.commandLine().getErr().println("nyala: " + path + ": " + cut + "; what is left is shown");
        }
        long fileBytes = path.toFile().length();
        if (fileBytes > read.byteSize()) {
            spec.commandLine()
                    .getErr()
                    .println("nyala: only the first " + Figures.count(read.byteSize()) + " of "
                            + Figures.count(fileBytes) + " bytes are explained");
        }
    }

    /** Payloads of a log need the schemas of its tables; without them they are shown raw. */
    private boolean readCatalog(OurFile file, DirectoryInspection inspection) {
        if (file.root() != null) {
            try {
                inspection.readCatalog();
                return true;
            } catch (RuntimeException e) {
                spec.commandLine()
                        .getErr()
                        .println(
                                "nyala: payloads are shown raw, because the catalog cannot be read: " + e.getMessage());
            }
        }
        return false;
    }

    private boolean isWanted(DumpGroups.Group group) {
        long first = Math.max(0, from);
        return group.end() > first && (bytes < 0 || group.start() < first + bytes);
    }

    private void print(
            OurFile file, MemorySegment whole, Consumer<Consumer<DumpGroups.Group>> groups, PrintWriter out) {
        out.println(path + ": " + file.kind().words() + ", " + Figures.count(whole.byteSize()) + " bytes");
        long[] fields = new long[1];
        groups.accept(group -> fields[0] += group.fieldCount());
        if (isAll || fields[0] <= FIELDS_MAX || from >= 0 || bytes >= 0) {
            groups.accept(group -> out.print(group.text()));
            out.flush();
            return;
        }
        TextTable table = new TextTable(">from", ">to", ">bytes", ">fields", "section");
        groups.accept(group -> table.row(
                Figures.count(group.start()),
                Figures.count(group.end()),
                Figures.count(group.end() - group.start()),
                Figures.count(group.fieldCount()),
                group.title()));
        table.print(out);
        out.println(Figures.count(fields[0]) + " fields in all; --all prints them, --from and --bytes a part.");
    }

    private static void printJson(
            OurFile file, MemorySegment whole, Consumer<Consumer<DumpGroups.Group>> groups, PrintWriter out) {
        List<Object> sections = new ArrayList<>();
        groups.accept(group -> {
            Map<String, Object> section = new LinkedHashMap<>();
            section.put("from", group.start());
            section.put("to", group.end());
            section.put("fields", group.fieldCount());
            section.put("title", group.title());
            sections.add(section);
        });
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("file", file.path().toString());
        all.put("kind", file.kind().words());
        all.put("bytes", whole.byteSize());
        all.put("sections", sections);
        out.println(Json.text(all));
    }
}
