package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.nyala.peer.ServerProcess;
import io.nyala.testkit.Spin;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.OperationResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: what keeps a client from its answer has the code that programs look for: its time is over, or it is told to
 * wait no more; and what passes is over when it has passed. Method: a process that stands still, goes on, and is
 * killed, and the published client, which then waits for a moment only.
 */
@Timeout(300) // Against hangs only.
@EnabledOnOs(OS.LINUX) // Signals.
final class ClientFailuresTest {
    private static final long MOMENT_MILLIS = 250;

    private static final String CODES = """
        stands still: Timed out, Timed out
        is interrupted: Aborted
        goes on: 10 rows
        is killed: Timed out, Timed out
        """;

    @TempDir
    private Path directory = Path.of("");

    private static String codeOf(Callable<?> call) {
        KuduException e = assertThrows(KuduException.class, call::call);
        return ClusterRun.code(e.getStatus());
    }

    /** To the server's process. */
    private static void signal(ServerProcess server, String name) throws IOException, InterruptedException {
        long id = server.processes().getFirst().pid();
        assertEquals(
                0,
                new ProcessBuilder("kill", "-" + name, Long.toString(id))
                        .start()
                        .waitFor());
    }

    private static String write(KuduClient client, KuduTable table, int k) throws KuduException {
        KuduSession session = client.newSession();
        session.setTimeoutMillis(MOMENT_MILLIS);
        OperationResponse response = session.apply(SmallTable.upsert(table, k, "late"));
        return response.hasRowError() ? ClusterRun.code(response.getRowError().getErrorStatus()) : "done";
    }

    private static List<String> scan(KuduClient client, KuduTable table) throws KuduException {
        return SmallTable.read(client.newScannerBuilder(table)
                .scanRequestTimeout(MOMENT_MILLIS)
                .build());
    }

    @Test
    void whatKeepsAClientFromItsAnswerHasACodeOfItsOwn() throws Exception {
        String[] options = {"--memory", "128", "--master-port", "0", "--tserver-port", "0"};
        try (ServerProcess server = ServerProcess.start(directory, options);
                KuduClient client = Clients.of(server)) {
            KuduTable table = SmallTable.filled(client, "held_back", 10);
            assertEquals(10, SmallTable.rows(client, table).size());
            signal(server, "STOP");
            StringBuilder said = new StringBuilder();
            said.append("stands still: ").append(codes(client, table)).append('\n');
            said.append("is interrupted: ").append(interrupted(client, table)).append('\n');
            signal(server, "CONT");
            said.append("goes on: ")
                    .append(SmallTable.rows(client, table).size())
                    .append(" rows\n");
            server.kill();
            said.append("is killed: ").append(codes(client, table)).append('\n');
            assertEquals(CODES, said.toString());
        }
    }

    /** Of a write and of a scan. The client comes again after errors of the network, until its time is over. */
    private static String codes(KuduClient client, KuduTable table) throws KuduException {
        return write(client, table, 1) + ", " + codeOf(() -> scan(client, table));
    }

    /** Whoever waits for a server that stands still, and is told to wait no more. */
    private static String interrupted(KuduClient client, KuduTable table) throws InterruptedException {
        AtomicReference<String> code = new AtomicReference<>();
        Callable<?> patient =
                () -> SmallTable.read(client.newScannerBuilder(table).build());
        Thread waiting = Thread.ofPlatform().start(() -> code.set(codeOf(patient)));
        Spin.until(() -> waiting.getState() == Thread.State.WAITING || !waiting.isAlive());
        waiting.interrupt();
        waiting.join();
        return code.get();
    }
}
