package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.nyala.server.ServerConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduTable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a client can use a server that listens at an address of IPv6. Method: the published Java client, told the
 * address that the server prints; it hears of all others from the server.
 */
final class Ipv6Test {
    private static final int ROWS = 30;

    @Test
    void aClientFindsTheServerByTheAddressThatItPrints(@TempDir Path directory) throws KuduException {
        assumeTrue(hasLoopback(), "this host has no ::1");
        ServerConfig config = ServerConfig.standard().withHost("[::1]");
        try (OurServer server = OurServer.start(directory, config)) {
            assertTrue(server.masterAddress().startsWith("[::1]:"), server.masterAddress());
            try (KuduClient client = Clients.of(server)) {
                KuduTable table = SmallTable.filled(client, "of_ipv6", ROWS);
                int rows = 0;
                for (KuduScanner scanner = client.newScannerBuilder(table).build(); scanner.hasMoreRows(); ) {
                    rows += scanner.nextRows().getNumRows();
                }
                assertEquals(ROWS, rows);
                assertEquals(
                        "::1", client.listTabletServers().getTabletServersList().getFirst());
            }
        }
    }

    private static boolean hasLoopback() {
        byte[] number = new byte[16];
        number[15] = 1;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByAddress(number))) {
            return socket.isBound();
        } catch (IOException _) {
            return false;
        }
    }
}
