package io.nyala.perf;

import io.nyala.peer.Cluster;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.HdrHistogram.Histogram;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduPredicate;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Operation;
import org.apache.kudu.client.OperationResponse;
import org.apache.kudu.client.PartialRow;
import org.apache.kudu.client.RowResult;
import org.apache.kudu.client.SessionConfiguration;

/**
 * What the published Java client does to a cluster while it is measured: tables like those of {@code kudu perf
 * loadgen}, single operations one after another, batches. One thread.
 */
final class KuduLoad implements AutoCloseable {
    /** The partitions that {@code loadgen} makes. */
    private static final int PARTITIONS = 8;

    private static final int BATCH_ROWS = 1000;
    private static final String KEY = "key";
    private static final String NUMBER = "int_val";
    private static final String TEXT = "string_val";
    private static final String WORDS = "0123456789abcdef0123456789abcdef";
    private static final long TIMEOUT_MILLIS = 120_000;
    private static final long LATENCY_NANOS_MAX = TimeUnit.MINUTES.toNanos(1);

    /** Kept here, because a logger that nobody keeps forgets its level. It tells each attempt to reach a server. */
    private static final Logger CLIENT_LOG = Logger.getLogger("org.apache.kudu");

    static {
        CLIENT_LOG.setLevel(Level.OFF);
    }

    private final KuduClient client;

    KuduLoad(Cluster cluster) {
        client = new KuduClient.KuduClientBuilder(cluster.masterAddress())
                .defaultOperationTimeoutMs(TIMEOUT_MILLIS)
                .defaultAdminOperationTimeoutMs(TIMEOUT_MILLIS)
                .build();
    }

    /** Something done again and again, each on its own. */
    @FunctionalInterface
    private interface Step {
        void run() throws KuduException;
    }

    /** A table with the columns that {@code loadgen} gives to its own. */
    void createTable(String name) throws KuduException {
        Schema schema = new Schema(List.of(
                new ColumnSchemaBuilder(KEY, Type.INT64).key(true).build(),
                new ColumnSchemaBuilder(NUMBER, Type.INT32).nullable(true).build(),
                new ColumnSchemaBuilder(TEXT, Type.STRING).nullable(true).build()));
        client.createTable(name, schema, new CreateTableOptions().addHashPartitions(List.of(KEY), PARTITIONS));
    }

    /** All keys of a table. */
    long[] keys(String name) throws KuduException {
        long[] keys = new long[1024];
        int count = 0;
        KuduScanner scanner = client.newScannerBuilder(client.openTable(name))
                .setProjectedColumnNames(List.of(KEY))
                .build();
        while (scanner.hasMoreRows()) {
            for (RowResult row : scanner.nextRows()) {
                if (count == keys.length) {
                    keys = Arrays.copyOf(keys, 2 * count);
                }
                keys[count++] = row.getLong(0);
            }
        }
        return Arrays.copyOf(keys, count);
    }

    /** Inserts row by row, the next one when the last is acknowledged; answers nanoseconds of each. */
    Histogram insertSingly(String name, SplittableRandom random, long nanos) throws KuduException {
        KuduTable table = client.openTable(name);
        KuduSession session = client.newSession();
        session.setFlushMode(SessionConfiguration.FlushMode.AUTO_FLUSH_SYNC);
        return timed(nanos, () -> apply(session, table.newInsert(), random.nextLong() | Long.MIN_VALUE, random));
    }

    /** Reads rows by their keys, one after another, in any order; answers nanoseconds of each. */
    Histogram readSingly(String name, long[] keys, SplittableRandom random, long nanos) throws KuduException {
        KuduTable table = client.openTable(name);
        var column = table.getSchema().getColumn(KEY);
        return timed(nanos, () -> {
            long key = keys[random.nextInt(keys.length)];
            KuduScanner scanner = client.newScannerBuilder(table)
                    .addPredicate(KuduPredicate.newComparisonPredicate(column, KuduPredicate.ComparisonOp.EQUAL, key))
                    .build();
            int found = 0;
            while (scanner.hasMoreRows()) {
                for (RowResult row : scanner.nextRows()) {
                    found += row.getLong(KEY) == key ? 1 : 0;
                }
            }
            if (found != 1) {
                throw new IllegalStateException("key " + key + " was found " + found + " times");
            }
        });
    }

    /** Upserts rows that are there, in any order, a batch at a time; answers how many rows in how many nanoseconds. */
    Upserts upsert(String name, long[] keys, SplittableRandom random, long nanos) throws KuduException {
        KuduTable table = client.openTable(name);
        KuduSession session = client.newSession();
        session.setFlushMode(SessionConfiguration.FlushMode.MANUAL_FLUSH);
        session.setMutationBufferSpace(BATCH_ROWS);
        long rows = 0;
        long start = System.nanoTime();
        long end = start;
        while (end - start < nanos) {
            for (int i = 0; i < BATCH_ROWS; i++) {
                apply(session, table.newUpsert(), keys[random.nextInt(keys.length)], random);
            }
            for (OperationResponse response : session.flush()) {
                requireDone(response);
            }
            rows += BATCH_ROWS;
            end = System.nanoTime();
        }
        return new Upserts(rows, end - start);
    }

    /** How many rows, in how many nanoseconds. */
    record Upserts(long rows, long nanos) {}

    private static void apply(KuduSession session, Operation operation, long key, SplittableRandom random)
            throws KuduException {
        PartialRow row = operation.getRow();
        row.addLong(0, key);
        row.addInt(1, random.nextInt());
        row.addString(2, WORDS);
        OperationResponse response = session.apply(operation);
        if (response != null) {
            requireDone(response);
        }
    }

    private static void requireDone(OperationResponse response) {
        if (response.hasRowError()) {
            throw new IllegalStateException("a row was refused: " + response.getRowError());
        }
    }

    private static Histogram timed(long nanos, Step step) throws KuduException {
        Histogram histogram = new Histogram(LATENCY_NANOS_MAX, 3);
        long start = System.nanoTime();
        long before = start;
        do {
            step.run();
            long after = System.nanoTime();
            histogram.recordValue(Math.min(LATENCY_NANOS_MAX, after - before));
            before = after;
        } while (before - start < nanos);
        return histogram;
    }

    @Override
    public void close() {
        try {
            client.close();
        } catch (KuduException e) {
            throw new IllegalStateException("the client did not close", e);
        }
    }
}
