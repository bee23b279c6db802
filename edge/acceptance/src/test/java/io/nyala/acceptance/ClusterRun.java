package io.nyala.acceptance;

import com.google.protobuf.ByteString;
import io.nyala.peer.Cluster;
import io.nyala.protocol.Common.OrderMode;
import io.nyala.protocol.Common.ReadMode;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Status;

/** A program on one cluster: what its client knows, and what it has seen, step by step. One thread. */
final class ClusterRun {
    /** What no two servers have in common: identifiers and addresses. */
    private static final Pattern IDENTITY = Pattern.compile("[0-9a-f]{32}|127\\.0\\.0\\.1:\\d+");

    private final KuduClient client;
    private final KuduClient otherClient;
    private final Cluster cluster;
    private final Consumer<String> flush;
    private final Map<String, KuduTable> kept = new HashMap<>();
    private final List<String> seen = new ArrayList<>();
    private final List<Long> snapshots = new ArrayList<>();

    /**
     * @param otherClient of the same cluster
     * @param cluster of the clients, for what that cannot say
     * @param flush brings the rows of the table of that name to disk, where a cluster can be told to
     */
    ClusterRun(KuduClient client, KuduClient otherClient, Cluster cluster, Consumer<String> flush) {
        this.client = client;
        this.otherClient = otherClient;
        this.cluster = cluster;
        this.flush = flush;
    }

    /** What a step does; answers what it saw, as text. */
    @FunctionalInterface
    interface Action {
        String run(ClusterRun run) throws IOException;
    }

    KuduClient client() {
        return client;
    }

    KuduClient otherClient() {
        return otherClient;
    }

    /** Each client hears of the time of what the other has seen, as one that hands its work on. */
    void tellClients() {
        otherClient.updateLastPropagatedTimestamp(client.getLastPropagatedTimestamp());
        client.updateLastPropagatedTimestamp(otherClient.getLastPropagatedTimestamp());
    }

    KuduTable open(String table) throws KuduException {
        return client.openTable(table);
    }

    /** The caller closes it; a real Kudu leaves connections that are idle. */
    RawCluster raw() throws IOException {
        return RawCluster.of(cluster);
    }

    /** Of all rows of a tablet in the order of keys, at the present, as no published client asks for them. */
    NewScanRequestPB.Builder presentScan(RawCluster raw, String table, ByteString tablet) throws IOException {
        return NewScanRequestPB.newBuilder()
                .setTabletId(tablet)
                .addAllProjectedColumns(raw.columns(table))
                .setOrderMode(OrderMode.ORDERED)
                .setReadMode(ReadMode.READ_AT_SNAPSHOT)
                .setSnapTimestamp(present())
                .setPropagatedTimestamp(present());
    }

    /** Remembers a table as the client sees it now. */
    void keep(String table) throws KuduException {
        kept.put(table, client.openTable(table));
    }

    /** A table as it was when the client kept it last; as it is, if it never did. */
    KuduTable kept(String table) throws KuduException {
        KuduTable found = kept.get(table);
        return found == null ? open(table) : found;
    }

    void flush(String table) {
        flush.accept(table);
    }

    void perform(Action action) {
        try {
            seen.add(action.run(this));
        } catch (KuduException e) {
            seen.add(failure(e.getStatus()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (IllegalArgumentException | IllegalStateException e) {
            seen.add("the client refuses: " + e.getMessage());
        }
    }

    /** An error by its code. */
    static String failure(Status status) {
        return IDENTITY.matcher(status.toString()).replaceAll("#");
    }

    /** An error by its code alone. */
    static String code(Status status) {
        String text = status.toString();
        return text.substring(0, text.indexOf(':'));
    }

    /** A time to read at that is behind the last write, which a snapshot at its own time has not. */
    long present() {
        return client.getLastPropagatedTimestamp() + 1;
    }

    /** Remembers the present as a time to read at. */
    void takeSnapshot() {
        snapshots.add(present());
    }

    int snapshotCount() {
        return snapshots.size();
    }

    long snapshot(int index) {
        return snapshots.get(index);
    }

    List<String> seen() {
        return seen;
    }
}
