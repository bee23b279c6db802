package io.nyala.engine;

import static io.nyala.engine.MeasuredTable.BATCH_ROWS;
import static io.nyala.engine.MeasuredTable.ROWS;
import static io.nyala.engine.MeasuredTable.SCHEMA;
import static io.nyala.rows.OperationKind.INSERT;
import static io.nyala.rows.OperationKind.INSERT_IGNORE;
import static io.nyala.rows.OperationKind.UPDATE;
import static io.nyala.rows.OperationKind.UPSERT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.partition.PartitionSchema;
import io.nyala.record.RequestName;
import io.nyala.testkit.Allocation;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a row costs no heap on its way in; a batch costs a few objects.
 * Method: whole commits on real threads, measured over all threads of the process once they are warm.
 */
@Tag("allocation")
final class CommitAllocationTest {
    private static final int TABLETS = 8;

    /** Less than half a byte per row: the objects of a submission and a result, and wake-ups between threads. */
    private static final long COMMIT_BYTES_MAX = 500;

    /** The name of a request, which its caller makes. */
    private static final long NAME_BYTES = 48;

    @TempDir
    private Path directory;

    private MeasuredTable measured;

    @BeforeEach
    void open() {
        measured = new MeasuredTable(directory);
    }

    @AfterEach
    void close() {
        measured.close();
    }

    @Test
    void aBatchOfNewRowsCostsAFewObjects() {
        try (WriteBatch batch = measured.table.newBatch()) {
            assertCommit("inserts", () -> measured.commit(batch, INSERT));
        }
    }

    @Test
    void aBatchOfChangesCostsAFewObjects() {
        try (WriteBatch batch = measured.table.newBatch()) {
            assertCommit("upserts of new rows and of the same again", () -> {
                measured.put(batch, UPSERT, BATCH_ROWS / 2);
                measured.nextKey -= BATCH_ROWS / 2;
                measured.put(batch, UPSERT, BATCH_ROWS / 2);
                batch.commit().orThrow();
            });
        }
    }

    /** A name is an object of four numbers, and all that a name costs. */
    @Test
    void aBatchWithANameCostsTheName() {
        long[] requests = {0};
        try (WriteBatch batch = measured.table.newBatch()) {
            String what = "a commit of " + BATCH_ROWS + " inserts under a name";
            Allocation.assertAtMostInAllThreads(COMMIT_BYTES_MAX + NAME_BYTES, what, () -> {
                long request = requests[0]++;
                batch.request(new RequestName(1, 2, request, Math.max(0, request - 5)));
                measured.commit(batch, INSERT);
            });
        }
    }

    @Test
    void lookingUpKeysOnDiskCostsNothing() {
        measured.fillDisk();
        try (WriteBatch batch = measured.table.newBatch()) {
            assertCommit("inserts of rows that are on disk", () -> {
                measured.nextKey = measured.nextKey >= ROWS ? 0 : measured.nextKey;
                measured.commit(batch, INSERT_IGNORE);
            });
        }
        assertEquals(ROWS, measured.table.statistics().rowCount());
    }

    @Test
    void changingRowsOnDiskCostsAFewObjects() {
        measured.fillDisk();
        try (WriteBatch batch = measured.table.newBatch()) {
            assertCommit("updates of rows that are on disk", () -> {
                measured.nextKey = measured.nextKey >= ROWS ? 0 : measured.nextKey;
                measured.commit(batch, UPDATE);
            });
        }
        assertEquals(ROWS, measured.table.statistics().rowCount());
    }

    @Test
    void aBatchOfManyTabletsCostsAFewObjectsForEach() {
        var partitioning = PartitionSchema.of(SCHEMA).hash(TABLETS, "order_key").build();
        Table cut = measured.engine.createTable(TableSpec.of("cut", partitioning));
        try (WriteBatch batch = cut.newBatch()) {
            Allocation.assertAtMostInAllThreads(
                    TABLETS * COMMIT_BYTES_MAX,
                    "a commit of " + BATCH_ROWS + " inserts into " + TABLETS + " tablets",
                    () -> measured.commit(batch, INSERT));
        }
    }

    private static void assertCommit(String what, Runnable commit) {
        Allocation.assertAtMostInAllThreads(COMMIT_BYTES_MAX, "a commit of " + BATCH_ROWS + " " + what, commit);
    }
}
