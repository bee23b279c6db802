package io.nyala.engine;

import static io.nyala.rows.OperationKind.INSERT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a JVM that was started wrongly, or beside another one, says so.
 * Method: child processes with some of the flags, that open an engine.
 */
final class BadHostTest {
    private static final String EXPORTS = flag("--add-exports=java.base/");
    private static final String VECTORS = flag("--add-modules=");
    private static final String NATIVE = flag("--enable-native-access=");

    @TempDir
    private Path directory;

    /** What the child does: one row in, and out again. */
    static final class Child {
        private Child() {}

        public static void main(String[] arguments) {
            EngineConfig config = EngineConfig.in(Path.of(arguments[0])).withMemoryBytes(192 << 20);
            Schema schema = Schema.of(Column.key("id", ColumnType.INT64));
            try (Engine engine = Engine.open(config)) {
                Table table = engine.createTable("t", schema);
                try (WriteBatch batch = table.newBatch()) {
                    batch.rows().start(INSERT).setLong(0, 1).end();
                    batch.commit().orThrow();
                }
                table.flush().join();
                try (Scan scan = table.scan().open()) {
                    System.out.println("rows: " + (scan.next() ? scan.batch().rowCount() : 0));
                }
            }
        }
    }

    @Test
    void theMissingExportIsNamed() throws Exception {
        String said = runChild(false, VECTORS, NATIVE);
        assertTrue(said.contains("EngineOpenException"), said);
        assertTrue(said.contains(EXPORTS.replaceFirst("=", " ")), said);
        assertTrue(said.contains("java command line"), said);
    }

    @Test
    void withoutTheVectorModuleItWarnsAndWorks() throws Exception {
        String said = runChild(true, EXPORTS, NATIVE);
        assertTrue(said.contains(VECTORS.replaceFirst("=", " ")), said);
        assertTrue(said.contains("rows: 1"), said);
    }

    @Test
    void withoutNativeAccessItWarnsAndWorks() throws Exception {
        String said = runChild(true, EXPORTS, VECTORS);
        assertTrue(said.contains(NATIVE.replaceFirst("=", " ")) || said.contains(NATIVE), said);
        assertTrue(said.contains("io_uring"), said);
        assertTrue(said.contains("rows: 1"), said);
    }

    @Test
    void withAllFlagsItIsQuiet() throws Exception {
        String said = runChild(true, EXPORTS, VECTORS, NATIVE);
        assertTrue(!said.contains("started without"), said);
        assertTrue(said.contains("rows: 1"), said);
    }

    @Test
    void aDirectoryThatAnotherProcessHasOpenIsRefused() throws Exception {
        EngineConfig config = EngineConfig.in(directory.resolve("data")).withMemoryBytes(192 << 20);
        try (Engine _ = Engine.open(config)) {
            String said = runChild(false, EXPORTS, VECTORS, NATIVE);
            assertTrue(said.contains("DirectoryLockedException"), said);
            assertTrue(said.contains("process " + ProcessHandle.current().pid()), said);
        }
    }

    /** What this JVM was given itself. */
    private static String flag(String start) {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith(start))
                .findFirst()
                .orElseThrow();
    }

    private String runChild(boolean succeeds, String... flags) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(Arrays.asList(flags));
        command.addAll(List.of("-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path")));
        command.add(Child.class.getName());
        command.add(directory.resolve("data").toString());
        Path output = directory.resolve("output");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        int status = process.waitFor();
        String said = Files.readString(output, StandardCharsets.UTF_8);
        if (succeeds) {
            assertEquals(0, status, said);
        } else {
            assertNotEquals(0, status, said);
        }
        return said;
    }
}
