package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.peer.KuduTool;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduScanToken;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: an operator hears of a damaged tablet by Kudu's own check of a cluster: which it is, and why. Method: a table
 * of two tablets on disk, of which one loses a byte between two runs of our server; then the real {@code kudu}.
 */
final class DamagedTabletReportTest {
    /** From the end of a rowset's file: of its footer, without which it cannot be opened. */
    private static final long FOOTER = 10;

    @TempDir
    private Path directory = Path.of("");

    @Test
    void theCheckOfTheClusterNamesTheTabletAndSaysWhy() throws Exception {
        try (OurServer server = OurServer.start(directory);
                KuduClient client = Clients.of(server)) {
            AllTypes.filled(client, "damaged");
            server.engine().table("damaged").orElseThrow().flush().join();
            KuduTool.Result whole = KuduTool.run("cluster", "ksck", server.masterAddress());
            assertEquals(0, whole.exitCode(), whole.output());
            assertEquals("OK", whole.output().lines().toList().getLast(), whole.output());
        }
        Path damaged = rowSets().getFirst();
        damage(damaged);
        try (OurServer server = OurServer.start(directory);
                KuduClient client = Clients.of(server)) {
            KuduTool.Result report = KuduTool.run("cluster", "ksck", server.masterAddress());
            assertEquals(1, report.exitCode(), report.output());
            List<String> lines = report.output()
                    .lines()
                    .map(line -> line.strip().replaceAll("[ |]+", " "))
                    .toList();
            assertTrue(lines.contains("State: FAILED"), report.output());
            String reason = "Last status: 1 rowsets are set aside, the first: " + damaged + ", ";
            assertTrue(lines.stream().anyMatch(line -> line.startsWith(reason) && line.contains("crc32c is ")), reason);
            assertTrue(lines.contains("damaged 1 UNAVAILABLE 2 1 0 0 1"), report.output());
            assertEquals(
                    List.of("Corruption: table consistency check error: 1 out of 1 table(s) are not healthy"),
                    lines.stream().filter(line -> line.startsWith("Corruption")).toList());
            assertTrue(lines.contains("FAILED"), report.output());
            List<String> unavailable = lines.stream()
                    .filter(line -> line.endsWith(" of table 'damaged' is unavailable: 1 replica(s) not RUNNING"))
                    .toList();
            assertEquals(1, unavailable.size(), report.output());
            readOther(client, unavailable.getFirst());
        }
    }

    /** The tablet that the report does not name is whole. */
    private static void readOther(KuduClient client, String unavailable) throws IOException {
        List<KuduScanToken> others = new ArrayList<>();
        for (KuduScanToken token :
                client.newScanTokenBuilder(client.openTable("damaged")).build()) {
            if (!unavailable.contains(new String(token.getTablet().getTabletId(), StandardCharsets.US_ASCII))) {
                others.add(token);
            }
        }
        assertEquals(1, others.size(), unavailable);
        assertEquals(
                AllTypes.ROWS / 2,
                SmallTable.read(others.getFirst().intoScanner(client)).size());
    }

    /** One of each tablet. */
    private List<Path> rowSets() throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("rowsets"))) {
            List<Path> found = files.filter(file -> file.toString().endsWith(".rowset"))
                    .sorted()
                    .toList();
            assertEquals(2, found.size(), found::toString);
            return found;
        }
    }

    private static void damage(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            long offset = channel.size() - FOOTER;
            ByteBuffer one = ByteBuffer.allocate(1);
            channel.read(one, offset);
            channel.write(ByteBuffer.wrap(new byte[] {(byte) ~one.get(0)}), offset);
        }
    }
}
