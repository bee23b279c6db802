package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.nyala.caller.WireClient;
import io.nyala.memory.AccountUsage;
import io.nyala.protocol.tserver.Tserver.PingRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.ScannerKeepAliveRequestPB;
import io.nyala.protocol.tserver.TserverService.ChecksumResponsePB;
import io.nyala.testkit.Mutations;
import io.nyala.testkit.Seed;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: whatever a request of any method has in it, its client gets an answer or an error, or its connection is closed
 * if it is no call; others go on meanwhile, and nothing of it is left. Method: a good request of each method that is
 * answered, changed by bytes, by fields and in its frame, over real connections, from a seed.
 */
final class HostileCallsTest {
    /** Of each method. */
    private static final int ROUNDS = 12;

    /** Changed requests of a round, sent before the first answer is read. */
    private static final int BURST = 4;

    /** Some ten seconds and more, in which the server hears of the end of connections; mostly a handful are enough. */
    private static final int CALLS_MAX = 300_000;

    /** They make tables come and go. */
    private static final Set<String> OF_TABLES =
            Set.of("CreateTable", "DeleteTable", "RecallDeletedTable", "AlterTable");

    /** They would tell of each of them. Kept here, because a logger that nobody keeps forgets its level. */
    private static final List<Logger> LOGS =
            List.of(Logger.getLogger("io.nyala.rpc"), Logger.getLogger("io.nyala.server"));

    static {
        LOGS.forEach(log -> log.setLevel(Level.OFF));
    }

    private RunningServer server;
    private CompatibilityCalls calls;
    private long answers;
    private long errors;

    @BeforeEach
    void open(@TempDir Path directory) throws IOException {
        server = RunningServer.in(directory);
        calls = new CompatibilityCalls(server);
    }

    @AfterEach
    void close() throws IOException {
        server.close(); // The engine finds memory that was not given back.
    }

    @Test
    void eachMethodAnswersWhateverItsRequestsHave(@Seed SplittableRandom random) throws IOException {
        Map<String, Long> memory = memory();
        for (Map.Entry<String, List<String>> service : new TreeMap<>(CompatibilityCalls.ANSWERED).entrySet()) {
            boolean isMaster = service.getKey().equals(WireClient.MASTER);
            String address = isMaster ? server.masterAddress() : server.tabletServerAddress();
            WireClient orderly = isMaster ? server.tablets() : server.master();
            try (WireClient hostile = WireClient.of(address, "tester")) {
                for (String method : service.getValue()) {
                    for (int round = 0; round < ROUNDS; round++) {
                        bodies(hostile, service.getKey(), method, orderly, random);
                    }
                }
            }
            for (String method : service.getValue()) {
                frames(address, service.getKey(), method, random);
            }
        }
        assertTrue(errors > 100 && answers > 100, answers + " answers and " + errors + " errors");
        beginAgain();
        assertNothingIsLeft(memory);
    }

    /** What scans hold, and how many there are; tables come and go. */
    private Map<String, Long> memory() {
        Map<String, Long> used = new TreeMap<>();
        for (AccountUsage account : server.engine().memoryUsage()) {
            if (account.owner().equals("scans")) {
                used.put(account.owner(), account.usedBytes());
            }
        }
        assertEquals(1, used.size(), "accounts of scans");
        used.put("open scans", (long) server.engine().view().openScans());
        return used;
    }

    // ---- What is in them ----

    /** Each is a call as far as the connection can see, so each has an answer, and the connection stays. */
    private void bodies(WireClient hostile, String service, String method, WireClient orderly, SplittableRandom random)
            throws IOException {
        Message good = calls.request(service.substring(service.lastIndexOf('.') + 1) + "." + method);
        for (int i = 0; i < BURST; i++) {
            hostile.submit(service, method, changed(good, random));
        }
        assertFalse(orderly.call(
                        orderly == server.master() ? WireClient.MASTER : WireClient.TABLET_SERVER,
                        "Ping",
                        PingRequestPB.getDefaultInstance())
                .isError());
        List<WireClient.Reply> replies = new ArrayList<>();
        for (int i = 0; i < BURST; i++) {
            replies.add(hostile.read());
        }
        for (WireClient.Reply reply : replies) {
            if (reply.isError()) {
                errors++;
                reply.error();
            } else {
                answers++;
                letGo(method, reply);
            }
        }
        if (good instanceof ScannerKeepAliveRequestPB keepAlive) {
            close(keepAlive.getScannerId());
        }
        if (OF_TABLES.contains(method)) {
            beginAgain();
        }
    }

    private static byte[] changed(Message good, SplittableRandom random) {
        byte[] bytes = good.toByteArray();
        return switch (random.nextInt(4)) {
            case 0 -> Mutations.of(bytes, random);
            case 1 -> Mutations.of(FieldMutations.of(good, random).toByteArray(), random);
            case 2 -> {
                byte[] drawn = Arrays.copyOf(bytes, bytes.length + random.nextInt(1, 100));
                for (int i = bytes.length; i < drawn.length; i++) {
                    drawn[i] = (byte) random.nextInt();
                }
                yield drawn;
            }
            default -> FieldMutations.of(good, random).toByteArray();
        };
    }

    /** Scanners that such a request has opened after all. */
    private void letGo(String method, WireClient.Reply reply) throws IOException {
        switch (method) {
            case "Scan" -> close(reply.message(ScanResponsePB.parser()).getScannerId());
            case "Checksum" -> close(reply.message(ChecksumResponsePB.parser()).getScannerId());
            default -> {}
        }
    }

    private void close(ByteString scanner) throws IOException {
        if (!scanner.isEmpty()) {
            ScanRequestPB last = ScanRequestPB.newBuilder()
                    .setScannerId(scanner)
                    .setCloseScanner(true)
                    .setBatchSizeBytes(0)
                    .build();
            assertFalse(server.tablets()
                    .tablet("Scan", last, ScanResponsePB.parser())
                    .hasError());
        }
    }

    /** With the table that requests are of, and no other. */
    private void beginAgain() throws IOException {
        server.engine().tables().forEach(table -> server.engine().dropTable(table.id(), Duration.ZERO));
        server.engine().droppedTables().forEach(table -> server.engine().purgeTable(table.id()));
        calls = new CompatibilityCalls(server);
    }

    // ---- What is around them ----

    /** May be a call or none: it is answered, or the connection is closed. */
    private void frames(String address, String service, String method, SplittableRandom random) throws IOException {
        Message good = calls.request(service.substring(service.lastIndexOf('.') + 1) + "." + method);
        byte[] frame = WireClient.frame(WireClient.header(0, service, method).build(), good.toByteArray());
        for (int i = 0; i < 3; i++) {
            try (WireClient client = WireClient.of(address, "tester")) {
                boolean isCut = i == 0;
                client.send(isCut ? Arrays.copyOf(frame, random.nextInt(frame.length)) : Mutations.of(frame, random));
                client.endOfRequests();
                WireClient.Reply reply = readOrClosed(client);
                if (reply != null && !reply.isError()) {
                    letGo(method, reply);
                }
            }
        }
        if (good instanceof ScannerKeepAliveRequestPB keepAlive) {
            close(keepAlive.getScannerId());
        }
        if (OF_TABLES.contains(method)) {
            beginAgain();
        }
    }

    private static WireClient.@Nullable Reply readOrClosed(WireClient client) {
        try {
            return client.read();
        } catch (SocketTimeoutException e) {
            throw new AssertionError("neither an answer nor the end", e);
        } catch (IOException _) {
            return null;
        }
    }

    /** The server hears of the end of connections a moment later, which it is given by calls. */
    private void assertNothingIsLeft(Map<String, Long> memory) throws IOException {
        ServerUse nothing = new ServerUse(2, 0, 0, 0, 0);
        for (int i = 0; i < CALLS_MAX && !(server.use().equals(nothing) && memory().equals(memory)); i++) {
            assertFalse(server.master()
                    .call(WireClient.MASTER, "Ping", PingRequestPB.getDefaultInstance())
                    .isError());
        }
        assertEquals(nothing, server.use());
        assertEquals(memory, memory());
    }
}
