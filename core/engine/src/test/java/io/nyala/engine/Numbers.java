package io.nyala.engine;

import static io.nyala.rows.OperationKind.INSERT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;

/** A table of numbers, each with its text, for tests in which it matters which keys are in which file. Stateless. */
final class Numbers {
    static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.of("text", ColumnType.STRING).nullable());

    private Numbers() {}

    /** Commits a batch of these ids. */
    static CommitResult insert(Table table, long... ids) {
        try (WriteBatch batch = table.newBatch()) {
            fill(batch, ids);
            return batch.commit();
        }
    }

    /** Puts the insertion of these ids into a batch. */
    static void fill(WriteBatch batch, long... ids) {
        for (long id : ids) {
            batch.rows().start(INSERT).setLong(0, id).setString(1, text(id)).end();
        }
    }

    /** Commits a batch of the ids from one up to another, which is excluded. */
    static void insertRange(Table table, long from, long to) {
        insert(table, LongStream.range(from, to).toArray()).orThrow();
    }

    /** Flushes a table of a simulated host. */
    static void flush(World.Running running, Table table) {
        CompletableFuture<Void> flush = table.flush();
        running.host().await(flush::isDone);
        flush.join();
    }

    /** Which ids a scan finds, each with the text that it should have; in order. */
    static List<Long> ids(ScanBuilder builder) {
        List<Long> ids = new ArrayList<>();
        try (Scan scan = builder.open()) {
            read(scan, ids);
        }
        ids.sort(null);
        return ids;
    }

    /** As {@link #ids}, of a scan that goes on being open. */
    static void read(Scan scan, List<Long> target) {
        while (scan.next()) {
            for (int row = 0; row < scan.batch().rowCount(); row++) {
                long id = scan.batch().column(0).getLong(row);
                assertEquals(text(id), scan.batch().column(1).getString(row));
                target.add(id);
            }
        }
    }

    /** A scan of the ids from one up to another, which is excluded. */
    static ScanBuilder range(Table table, long from, long to) {
        return table.scan().where(Predicate.atLeast(SCHEMA, "id", from)).where(Predicate.lessThan(SCHEMA, "id", to));
    }

    static List<Long> list(long from, long to) {
        return LongStream.range(from, to).boxed().toList();
    }

    static String text(long id) {
        return "number " + id * id;
    }
}
