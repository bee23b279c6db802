package io.nyala.acceptance;

import java.util.ArrayList;
import java.util.List;
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
    private final Consumer<String> flush;
    private final List<String> seen = new ArrayList<>();
    private final List<Long> snapshots = new ArrayList<>();

    /**
     * @param flush brings the rows of the table of that name to disk, where a cluster can be told to
     */
    ClusterRun(KuduClient client, Consumer<String> flush) {
        this.client = client;
        this.flush = flush;
    }

    /** What a step does; answers what it saw, as text. */
    @FunctionalInterface
    interface Action {
        String run(ClusterRun run) throws KuduException;
    }

    KuduClient client() {
        return client;
    }

    KuduTable open(String table) throws KuduException {
        return client.openTable(table);
    }

    void flush(String table) {
        flush.accept(table);
    }

    void perform(Action action) {
        try {
            seen.add(action.run(this));
        } catch (KuduException e) {
            seen.add(failure(e.getStatus()));
        } catch (IllegalArgumentException | IllegalStateException e) {
            seen.add("the client refuses: " + e.getMessage());
        }
    }

    /** An error by its code. */
    static String failure(Status status) {
        return IDENTITY.matcher(status.toString()).replaceAll("#");
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
