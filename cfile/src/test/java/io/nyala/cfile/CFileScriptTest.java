package io.nyala.cfile;

import io.nyala.hexdump.HexDump;
import io.nyala.testkit.Script;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Goal: the bytes of a file are those that the Javadoc draws, and stay so. Method: small files, dumped whole.
 */
final class CFileScriptTest {
    @Test
    void filesAreAsDrawn() {
        Script.check("cfile/file", CFileScriptTest::dump);
    }

    /** A line for each column: {@code id name kind [key] [nullable] : cells}; {@code _} is null. */
    private static String dump(String command) {
        List<TestColumn> columns = new ArrayList<>();
        List<byte[]> keys = null;
        for (String line : command.lines().toList()) {
            if (line.startsWith("file")) {
                continue;
            }
            String[] sides = line.split(":", 2);
            List<String> words = List.of(sides[0].strip().split(" +"));
            List<String> cells =
                    sides[1].isBlank() ? List.of() : List.of(sides[1].strip().split(" +"));
            if (words.getFirst().equals("keys")) {
                keys = cells.stream()
                        .map(cell -> cell.getBytes(StandardCharsets.UTF_8))
                        .toList();
            } else {
                columns.add(column(words, cells));
            }
        }
        try (Files files = new Files(new SplittableRandom(1));
                Arena arena = Arena.ofConfined()) {
            files.write(columns, keys);
            byte[] contents = files.disk.contents(Files.PATH);
            MemorySegment whole = arena.allocate(contents.length).copyFrom(MemorySegment.ofArray(contents));
            return HexDump.text(whole, notes -> CFileDump.annotate(Files.PATH, whole, files.scratch, notes));
        }
    }

    private static TestColumn column(List<String> words, List<String> cells) {
        CellKind kind = CellKind.valueOf(words.get(2));
        ColumnSpec spec = ColumnSpec.of(Integer.parseInt(words.get(0)), words.get(1), kind);
        spec = words.contains("key") ? spec.key() : spec;
        spec = words.contains("nullable") ? spec.nullable() : spec;
        spec = spec.withCompression(CompressionHint.NONE); // The bytes of a codec are its own affair.
        List<byte @Nullable []> bytes = new ArrayList<>();
        for (String cell : cells) {
            bytes.add(cell.equals("_") ? null : bytes(kind, cell));
        }
        return new TestColumn(spec, bytes);
    }

    private static byte[] bytes(CellKind kind, String cell) {
        if (kind.isBinary()) {
            return cell.getBytes(StandardCharsets.UTF_8);
        }
        byte[] bytes = new byte[kind.cellBytes()];
        MemorySegment memory = MemorySegment.ofArray(bytes);
        switch (kind) {
            case DOUBLE -> memory.set(Cells.DOUBLE, 0, Double.parseDouble(cell));
            case INT32 -> memory.set(Cells.INT, 0, Integer.parseInt(cell));
            case INT64 -> memory.set(Cells.LONG, 0, Long.parseLong(cell));
            default -> throw new IllegalArgumentException("no text for " + kind);
        }
        return bytes;
    }
}
