package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertFalse;

import com.stumbleupon.async.Deferred;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.AsyncKuduScanner;
import org.apache.kudu.client.AsyncKuduSession;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Operation;
import org.apache.kudu.client.OperationResponse;
import org.apache.kudu.client.PleaseThrottleException;
import org.apache.kudu.client.RowResult;
import org.apache.kudu.client.SessionConfiguration.FlushMode;

/**
 * A client that writes in the background to rows of several tablets, several batches at a time: rows that come, change,
 * go and come again; and what it was told has been done. Each operation fits what was acknowledged of its row, so that
 * none may be refused, and one that was done twice would be. One thread writes; any may ask how far it is.
 */
final class Load {
    private static final String TABLE = "load";
    private static final int KEYS = 400;

    /** Of rows that are written at a time, each key once: the client keeps no order between two batches. */
    private static final int WAVE = 200;

    private static final int BATCH = 30;

    private final SplittableRandom random;
    private final AsyncKuduSession session;
    private final KuduTable table;
    private final Map<Long, String> acknowledged = new TreeMap<>();
    private final AtomicInteger acknowledgedCount = new AtomicInteger();
    private int written;

    Load(KuduClient client, SplittableRandom random) throws KuduException {
        this.random = random;
        Schema schema = new Schema(List.of(
                new ColumnSchemaBuilder("id", Type.INT64).key(true).build(),
                new ColumnSchemaBuilder("text", Type.STRING).build()));
        table = client.createTable(TABLE, schema, new CreateTableOptions().addHashPartitions(List.of("id"), 4));
        session = table.getAsyncClient().newSession();
        session.setFlushMode(FlushMode.AUTO_FLUSH_BACKGROUND);
        session.setMutationBufferSpace(BATCH);
        session.setFlushInterval(5);
    }

    /** Writes rows until it is enough, and waits until all are acknowledged. */
    void write(BooleanSupplier isEnough) {
        try {
            while (!isEnough.getAsBoolean()) {
                wave();
            }
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private void wave() throws Exception {
        List<Deferred<OperationResponse>> answers = new ArrayList<>();
        Map<Long, String> wave = new TreeMap<>();
        while (wave.size() < WAVE) {
            long key = random.nextInt(KEYS);
            if (!wave.containsKey(key)) {
                answers.add(apply(draw(key, wave)));
            }
        }
        for (Deferred<OperationResponse> answer : answers) {
            OperationResponse response = answer.join();
            assertFalse(response.hasRowError(), () -> String.valueOf(response.getRowError()));
            acknowledgedCount.incrementAndGet();
        }
        wave.forEach((key, text) -> {
            if (text.isEmpty()) {
                acknowledged.remove(key);
            } else {
                acknowledged.put(key, text);
            }
        });
    }

    /** An operation that the row allows; what it leaves is noted, "" for nothing. */
    private Operation draw(long key, Map<Long, String> wave) {
        boolean isThere = acknowledged.containsKey(key);
        int kind = random.nextInt(3);
        Operation operation =
                switch (kind) {
                    case 0 -> table.newUpsert();
                    case 1 -> isThere ? table.newUpdate() : table.newInsert();
                    default -> isThere ? table.newDelete() : table.newInsert();
                };
        boolean isDelete = isThere && kind == 2;
        String text = isDelete ? "" : "row " + key + " written as number " + written++;
        operation.getRow().addLong("id", key);
        if (!isDelete) {
            operation.getRow().addString("text", text);
        }
        wave.put(key, text);
        return operation;
    }

    private Deferred<OperationResponse> apply(Operation operation) throws Exception {
        while (true) {
            try {
                return session.apply(operation);
            } catch (PleaseThrottleException e) { // Both buffers are full.
                e.getDeferred().join();
            }
        }
    }

    int acknowledgedCount() {
        return acknowledgedCount.get();
    }

    /** What must be there, if nothing is under way. */
    Map<Long, String> expected() {
        return acknowledged;
    }

    /** What is there. */
    static Map<Long, String> found(KuduClient client) throws KuduException {
        Map<Long, String> rows = new TreeMap<>();
        KuduScanner scanner = client.newScannerBuilder(client.openTable(TABLE))
                .readMode(AsyncKuduScanner.ReadMode.READ_YOUR_WRITES)
                .build();
        while (scanner.hasMoreRows()) {
            for (RowResult row : scanner.nextRows()) {
                String before = rows.put(row.getLong("id"), row.getString("text"));
                if (before != null) {
                    throw new AssertionError("row " + row.getLong("id") + " is there twice");
                }
            }
        }
        return rows;
    }
}
