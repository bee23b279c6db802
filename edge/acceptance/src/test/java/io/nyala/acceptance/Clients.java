package io.nyala.acceptance;

import io.nyala.peer.Cluster;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.kudu.client.KuduClient;

/** Clients that are patient and quiet. Stateless. */
final class Clients {
    private static final long TIMEOUT_MILLIS = 120_000;

    /** Kept here, because a logger that nobody keeps forgets its level. It tells each attempt to reach a server. */
    private static final Logger CLIENT_LOG = Logger.getLogger("org.apache.kudu");

    static {
        CLIENT_LOG.setLevel(Level.OFF);
    }

    private Clients() {}

    static KuduClient of(Cluster cluster) {
        return of(cluster.masterAddress());
    }

    /** Another client of the cluster that one is of. */
    static KuduClient of(KuduClient client) {
        return of(client.getMasterAddressesAsString());
    }

    private static KuduClient of(String masterAddress) {
        return new KuduClient.KuduClientBuilder(masterAddress)
                .defaultOperationTimeoutMs(TIMEOUT_MILLIS)
                .defaultAdminOperationTimeoutMs(TIMEOUT_MILLIS)
                .build();
    }
}
