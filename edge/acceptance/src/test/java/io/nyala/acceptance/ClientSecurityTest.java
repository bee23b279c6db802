package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.peer.Cluster;
import org.apache.kudu.client.AsyncKuduClient.EncryptionPolicy;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: who requires what is not there goes no further, and no bytes of a table go over a connection that its client
 * did not want. Method: clients that require authentication or encryption, of our server and of a real Kudu that has
 * certificates of its own and no Kerberos.
 */
@ExtendWith(Both.Parameter.class)
final class ClientSecurityTest {
    private static final long TIMEOUT_MILLIS = 120_000;

    private static KuduClient.KuduClientBuilder builder(Cluster cluster) {
        return new KuduClient.KuduClientBuilder(cluster.masterAddress()).defaultAdminOperationTimeoutMs(TIMEOUT_MILLIS);
    }

    @Test
    void whoRequiresAuthenticationIsRefusedByBoth(Both both) throws KuduException {
        for (Cluster cluster : new Cluster[] {both.ours(), both.kudu()}) {
            try (KuduClient client =
                    builder(cluster).requireAuthentication(true).build()) {
                KuduException refused = assertThrows(KuduException.class, client::getTablesList);
                assertEquals("Service unavailable", ClusterRun.code(refused.getStatus()), refused::toString);
                assertTrue(refused.toString().contains("authentication"), refused::toString);
            }
        }
    }

    @Test
    void whoRequiresEncryptionGoesNoFurther(Both both) throws KuduException {
        try (KuduClient client =
                builder(both.ours()).encryptionPolicy(EncryptionPolicy.REQUIRED).build()) {
            KuduException refused = assertThrows(KuduException.class, client::getTablesList);
            assertEquals("Service unavailable", ClusterRun.code(refused.getStatus()), refused::toString);
            assertTrue(refused.toString().contains("TLS"), refused::toString);
        }
        try (KuduClient client =
                builder(both.kudu()).encryptionPolicy(EncryptionPolicy.REQUIRED).build()) {
            assertEquals(
                    both.kuduClient().getTablesList().getTablesList(),
                    client.getTablesList().getTablesList());
        }
    }
}
