package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.memory.Crc32c;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Goal: whatever is wrong with a directory or a JVM, a command ends with an exit code that scripts can rely on and one
 * line that says what, where and what to do, and what was wrong is all that is wrong afterwards.
 * Method: a table of what is wrong, the command, its exit code and what it prints; then it is put right and all rows
 * are printed.
 */
final class BadInputCommandsTest {
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("name", ColumnType.STRING));

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path parent;

    private Path directory = Path.of("");

    /** Rows 0 to 9 in a rowset, 10 to 19 in the log. */
    @BeforeEach
    void writeSomeRows() throws IOException {
        directory = parent.resolve("data");
        Files.writeString(parent.resolve("file"), "somebody's");
        try (Engine engine = Engine.open(config())) {
            Table table = engine.createTable("herd", SCHEMA);
            insert(table, 0);
            table.flush().join();
            insert(table, 10);
        }
    }

    private EngineConfig config() {
        return EngineConfig.in(directory).withMemoryBytes(96 << 20).withLogSegmentBytes(1 << 20);
    }

    private static void insert(Table table, long first) {
        try (WriteBatch batch = table.newBatch()) {
            for (long id = first; id < first + 10; id++) {
                batch.rows()
                        .start(OperationKind.INSERT)
                        .setLong(0, id)
                        .setString(1, "n" + id)
                        .end();
            }
            batch.commit().orThrow();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        # what is wrong          | command                   | exit | it says
        no directory             | scan herd --data {p}/none | 2    | {p}/none is no engine's directory; --data
        no directory             | verify {p}/none           | 2    | there is no file {p}/none
        no directory             | dump {p}/none             | 2    | there is no file {p}/none
        no directory             | counters {p}/none         | 2    | {p}/none is no engine's directory
        file in its place        | scan herd --data {p}/file | 2    | {p}/file is no engine's directory
        file in its place        | demo --data {p}/file      | 2    | {p}/file is not a directory
        file in its place        | verify {p}/file           | 2    | {p}/file is none of our files
        unknown table            | scan hurd --data {d}      | 2    | there is no table "hurd"; herd
        unknown column           | scan herd --columns nome --data {d}   | 2 | no column "nome"; id, name
        unknown column           | scan herd --where nome=1 --data {d}   | 2 | no column "nome"; id, name
        wrong type               | scan herd --where id=many --data {d}  | 2 | "id" is INT64; a whole number; not many
        wrong type               | scan herd --limit -1 --data {d}       | 2 | --limit must not be negative, was -1
        wrong type               | scan herd --at 0 --data {d}           | 2 | --at 0 is not a time between 1970 and now
        wrong type               | scan herd --at 2200-01-01T00:00:00Z --data {d} | 2 | --at 2200; 1970 and now
        no such port             | serve --master-port 70000 --data {d} | 2 | --master-port must; 65,535; 70,000
        no such port             | serve --tserver-port -1 --data {d}   | 2 | --tserver-port must be between 0
        no such port             | serve --web-port -1 --data {d}       | 2 | --web-port must be between 0 and 65,535
        too little memory        | serve --memory 1 --data {d}          | 2 | --memory must be between 128 and
        too little log           | serve --log-max 767 --data {d}       | 2 | --log-max must be between 768 and
        no such part of keys     | serve --filter-rate 0.2 --data {d}   | 2 | --filter-rate: the rate; and 0.1, was 0.2
        no such part of keys     | serve --filter-rate no --data {d}    | 2 | --filter-rate; 'no' is not a double
        a port with the host     | serve --advertise foo:77 --data {d}  | 2 | without its port; foo:77
        unknown host             | serve --host no.such --data {d} | 1 | listen at no.such:; no address is known; host
        file in its place        | serve --data {p}/file     | 1    | {p}/file failed: not a directory; Name a directory
        engine in the directory  | scan herd --data {d}      | 1    | {d}: it is in use by; another directory
        engine in the directory  | verify {d}                | 1    | {d}: it is in use by; another directory
        bit of storage log       | scan herd --data {d}      | 1    | {d}/storage/0; at byte 4,; nyala dump
        bit of storage log       | verify {d}                | 1    | {d}/storage/0; at byte 4,; DAMAGED
        bit of write-ahead log   | scan herd --data {d}      | 1    | {d}/wal/0; at byte 4,; nyala dump
        bit of write-ahead log   | verify {d}                | 1    | {d}/wal/0; at byte 4,; DAMAGED
        bit of rowset            | scan herd --data {d}      | 1    | {d}/rowsets/1.rowset; at byte 4,096; crc32c
        bit of rowset            | verify {d}                | 1    | {d}/rowsets/1.rowset; at byte 4,096; DAMAGED
        rowset cut off           | scan herd --data {d}      | 1    | {d}/rowsets/1.rowset; id=0; id=9; it was cut
        rowset cut off           | verify {d}                | 1    | {d}/rowsets/1.rowset; SET ASIDE; it was cut
        rowset gone              | scan herd --data {d}      | 1    | {d}/rowsets/1.rowset; id=0; id=9; no such file
        rowset gone              | verify {d}                | 1    | {d}/rowsets/1.rowset; SET ASIDE; no such file
        newer storage log        | scan herd --data {d}      | 1    | {d}/storage/0; version 9; version 1; release
        newer storage log        | verify {d}                | 1    | {d}/storage/0; version 9; version 1; release
        newer write-ahead log    | scan herd --data {d}      | 1    | {d}/wal/0; version 9; version 1; release
        newer rowset             | scan herd --data {d}      | 1    | {d}/rowsets/1.rowset; version 9; versions 1 to 5
        newer rowset             | verify {d}                | 1    | {d}/rowsets/1.rowset; version 9; versions 1 to 5
        """)
    void endsWithAnExitCodeAndOneLine(String wrong, String command, int exit, String says) throws Exception {
        int found = whileWrong(wrong, () -> run(words(command)));
        String all = out + "\n" + err;
        assertEquals(exit, found, all);
        for (String part : says.split("; ", -1)) {
            assertTrue(all.contains(replaced(part)), () -> "lacks \"" + replaced(part) + "\": " + all);
        }
        assertFalse(all.contains("\tat "), () -> "a stack trace: " + all);
        assertEverythingIsThere();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        # JVM without              | command              | exit | it says
        --add-exports=java.base/jdk.internal | scan herd --data {d} | 1 | --add-exports java.base/jdk.internal
        --add-modules=             | scan herd --data {d} | 0    | n19
        --enable-native-access=    | scan herd --data {d} | 0    | n19
        --                         | verify {d}           | 0    | 3 parts checked, all in order.
        --                         | counters {d}         | 1    | --add-exports java.base/jdk.internal
        --                         | scan hurd --data {d} | 1    | --enable-native-access=ALL-UNNAMED --add-exports
        """)
    void withoutAFlagItSaysWhichOrDoesWithout(String missing, String command, int exit, String says) throws Exception {
        List<String> line = javaCommand(flag -> !flag.startsWith(missing));
        line.addAll(List.of(words(command)));
        Path output = parent.resolve("output");
        Process process = new ProcessBuilder(line)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        int found = process.waitFor();
        String said = Files.readString(output, StandardCharsets.UTF_8);
        assertEquals(exit, found, said);
        assertTrue(said.contains(says), said);
        assertFalse(said.contains("\tat "), said);
        assertEverythingIsThere();
    }

    /** What runs the command in a process of its own, with those flags of this one that are taken. */
    static List<String> javaCommand(Predicate<String> isTaken) {
        List<String> line = new ArrayList<>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--") && isTaken.test(argument))
                .forEach(line::add);
        line.addAll(List.of("-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path")));
        line.add(Main.class.getName());
        return line;
    }

    private String replaced(String text) {
        return text.replace("{p}", parent.toString()).replace("{d}", directory.toString());
    }

    private String[] words(String command) {
        return replaced(command).split(" ", -1);
    }

    private void assertEverythingIsThere() {
        out.getBuffer().setLength(0);
        assertEquals(
                Main.OK, run("scan", "herd", "--csv", "--in-key-order", "--data", directory.toString()), err::toString);
        assertEquals(21, out.toString().lines().count(), out::toString);
    }

    private int run(String... arguments) {
        return Main.command(new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(arguments);
    }

    // ---- What is wrong ----

    /** What is run while something is wrong. */
    @FunctionalInterface
    private interface Command {
        int run();
    }

    private int whileWrong(String wrong, Command command) throws IOException {
        return switch (wrong) {
            case "no directory",
                    "file in its place",
                    "unknown host",
                    "unknown table",
                    "unknown column",
                    "wrong type",
                    "no such port",
                    "too little memory",
                    "too little log",
                    "no such part of keys",
                    "a port with the host" -> command.run();
            case "engine in the directory" -> {
                try (Engine _ = Engine.open(config())) {
                    yield command.run();
                }
            }
            case "bit of storage log" -> changed("storage", bytes -> flipped(bytes, 4096 + 100), command);
            case "bit of write-ahead log" -> changed("wal", bytes -> flipped(bytes, 4096 + 100), command);
            case "bit of rowset" -> changed("rowsets", bytes -> flipped(bytes, 4096 + 40), command);
            case "rowset cut off" -> changed("rowsets", _ -> new byte[4096], command);
            case "rowset gone" -> gone(command);
            case "newer storage log" -> changed("storage", bytes -> newer(bytes, 44), command);
            case "newer write-ahead log" -> changed("wal", bytes -> newer(bytes, 44), command);
            case "newer rowset" -> changed("rowsets", bytes -> newer(bytes, 4092), command);
            default -> throw new AssertionError("nobody knows how to make " + wrong);
        };
    }

    /** What is done to the bytes of a file. */
    @FunctionalInterface
    private interface Change {
        byte[] of(byte[] bytes);
    }

    private int changed(String below, Change change, Command command) throws IOException {
        Path file = first(below);
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, change.of(whole.clone()));
        try {
            return command.run();
        } finally {
            Files.write(file, whole);
        }
    }

    private int gone(Command command) throws IOException {
        Path file = first("rowsets");
        Path aside = Files.move(file, parent.resolve("aside"));
        try {
            return command.run();
        } finally {
            Files.move(aside, file);
        }
    }

    private Path first(String below) throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve(below))) {
            return files.filter(file -> !file.toString().matches(".*(spare|begun)"))
                    .sorted()
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static byte[] flipped(byte[] bytes, int at) {
        bytes[at] ^= 4;
        return bytes;
    }

    /** The header as a later release might write it, with the checksum that goes with it. */
    private static byte[] newer(byte[] bytes, int crcAt) {
        MemorySegment memory = MemorySegment.ofArray(bytes);
        memory.set(LittleEndian.INT, 8, 9);
        memory.set(LittleEndian.INT, crcAt, Crc32c.of(memory, 0, crcAt));
        return bytes;
    }
}
