package io.nyala.cli;

import io.nyala.engine.DirectoryInspection;
import io.nyala.engine.DirectoryInspection.Findings;
import io.nyala.tablet.MissingRowSet;
import io.nyala.text.Figures;
import io.nyala.text.Json;
import io.nyala.text.TextTable;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code nyala verify}: reads and checks everything in a directory, or one file, and changes nothing. One thread. */
@Command(
        name = "verify",
        description = {
            "Check every record of the logs and every page of the rowsets, and change nothing.",
            "Where an engine would not open the directory, because its logs are damaged, missing or of another one,"
                    + " that is found too. What the records say is not applied to rows: that is for an engine.",
            "A rowset that cannot be opened at all is SET ASIDE by an engine, which serves everything but its keys.",
            "No engine may have the directory open. A segment of a log is checked with the whole log it belongs to."
        },
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {"  nyala verify data", "  nyala verify data/rowsets/1.rowset"})
final class VerifyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "DIR|FILE", description = "An engine's directory, or a file in one.")
    private Path path = Path.of("");

    @Option(names = "--json", description = "Print JSON instead of lines.")
    private boolean isJson;

    private record Finding(
            Path file, String about, @Nullable String defect, boolean isSetAside) {
        String verdict() {
            return isSetAside ? "SET ASIDE" : defect == null ? "OK" : "DAMAGED";
        }
    }

    @Override
    public Integer call() {
        List<Finding> findings = Files.isDirectory(path) ? directory(path) : file();
        PrintWriter out = spec.commandLine().getOut();
        long bad = findings.stream().filter(finding -> finding.defect != null).count();
        if (isJson) {
            out.println(Json.text(findings.stream().map(VerifyCommand::json).toList()));
        } else {
            print(findings, out);
            out.println(
                    bad == 0
                            ? Figures.count(findings.size(), "part", "parts") + " checked, all in order."
                            : Figures.count(bad) + " of " + Figures.count(findings.size())
                                    + " parts checked are damaged.");
        }
        return bad == 0 ? Main.OK : Main.FAILED;
    }

    private List<Finding> directory(Path directory) {
        List<Finding> findings = new ArrayList<>();
        try (DirectoryInspection inspection = DirectoryInspection.of(directory);
                ProgressBar progress = ProgressBar.on(spec.commandLine().getErr(), "checking", "parts")) {
            if (!inspection.isEngine()) {
                throw new UsageException(directory + " is no engine's directory: storage or wal is missing in it");
            }
            inspection.lock();
            inspection.verify(into(findings, () -> progress.update(findings.size(), inspection.fileCount() + 2L)));
        }
        return findings;
    }

    private List<Finding> file() {
        OurFile file = OurFile.recognize(path);
        String withoutFormat = file.withoutFormat();
        if (withoutFormat != null) {
            throw new UsageException(path + " has nothing to be checked: " + withoutFormat);
        }
        if (file.kind() != OurFile.Kind.ROWSET && file.kind() != OurFile.Kind.DELTA) {
            Path root = file.root();
            if (root == null) {
                throw new UsageException(
                        path + " is a segment of a log outside an engine's directory; alone it cannot be checked, but"
                                + " `nyala dump` shows it");
            }
            Path log = file.path().resolveSibling("");
            return directory(root).stream()
                    .filter(finding -> finding.file.toAbsolutePath().startsWith(log.toAbsolutePath()))
                    .toList();
        }
        List<Finding> findings = new ArrayList<>();
        try (DirectoryInspection inspection = DirectoryInspection.of(file.path())) {
            inspection.verifyRowSet(file.path(), into(findings, () -> {}));
        }
        return findings;
    }

    private static Findings into(List<Finding> findings, Runnable progressed) {
        return new Findings() {
            @Override
            public void checked(Path file, String about, @Nullable RuntimeException defect) {
                findings.add(new Finding(file, about, defect == null ? null : text(defect), false));
                progressed.run();
            }

            @Override
            public void setAside(MissingRowSet rowSet) {
                String about = "rowset, " + Figures.count(rowSet.rowCount(), "row", "rows") + ", keys " + rowSet.keys();
                findings.add(new Finding(rowSet.file(), about, text(rowSet.cause()), true));
                progressed.run();
            }
        };
    }

    private static String text(RuntimeException defect) {
        return defect.getMessage() == null ? defect.toString() : defect.getMessage();
    }

    private static void print(List<Finding> findings, PrintWriter out) {
        TextTable table = new TextTable("", "", "");
        for (Finding finding : findings) {
            table.row(finding.verdict(), finding.file.toString(), finding.about);
        }
        table.print(out);
        for (Finding finding : findings) {
            if (finding.defect != null) {
                out.println(finding.defect);
            }
        }
        if (findings.stream().anyMatch(Finding::isSetAside)) {
            out.println(
                    "What is set aside cannot be opened: an engine refuses reads and writes of its keys and serves all"
                            + " others. Put the file back from a copy; it stays where it is until then.");
        }
    }

    private static Map<String, Object> json(Finding finding) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("file", finding.file.toString());
        all.put("about", finding.about);
        all.put("ok", finding.defect == null);
        all.put("setAside", finding.isSetAside);
        if (finding.defect != null) {
            all.put("defect", finding.defect);
        }
        return all;
    }
}
