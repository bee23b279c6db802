package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.testkit.Seed;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/**
 * Goal: a batch that is used when it must not be says so, and no row is acknowledged that was not written.
 * Method: a simulated host, which does nothing between a commit and what a program does too early.
 */
final class BatchUseTest {
    @Test
    void takesNothingWhileACommitIsUnderWay(@Seed SplittableRandom random) {
        var one = new OneTable(random);
        Table table = one.create();
        try (WriteBatch batch = table.newBatch()) {
            OperationBatch rows = batch.rows();
            add(rows, 1);
            CompletableFuture<CommitResult> result = batch.commitAsync();
            assertFalse(result.isDone());
            assertRefused("under way", batch::rows);
            assertRefused("under way", batch::commitAsync);
            assertRefused("under way", batch::close);
            assertRefused("being committed", () -> rows.start(OperationKind.INSERT));
            assertRefused("being committed", rows::clear);
            assertRefused("being committed", rows::close);
            one.settle();
            assertEquals(1, result.join().orThrow().operationCount());
            add(rows, 2); // It is the program's again.
            assertEquals(1, batch.commit().orThrow().operationCount());
        }
        assertEquals(2, table.statistics().rowCount());
        one.engine().close();
    }

    @Test
    void takesNothingOnceItIsClosed(@Seed SplittableRandom random) {
        var one = new OneTable(random);
        WriteBatch batch = one.create().newBatch();
        OperationBatch rows = batch.rows();
        add(rows, 1);
        batch.close();
        batch.close();
        assertRefused("closed", batch::rows);
        assertRefused("closed", batch::commit);
        assertRefused("closed", () -> rows.start(OperationKind.INSERT));
        one.engine().close(); // Nothing is left of its memory.
    }

    @Test
    void saysHowManyOfItsOperationsWereRefused(@Seed SplittableRandom random) {
        var one = new OneTable(random);
        try (WriteBatch batch = one.create().newBatch()) {
            assertEquals("", refusal(batch, 1, 2, 3));
            assertEquals("1 of 1 operation was refused: operation 0 is", refusal(batch, 1));
            assertEquals("2 of 2 operations were refused: operation 0 is", refusal(batch, 1, 2));
            assertEquals("1 of 2 operations was refused, the other took effect: operation 0 is", refusal(batch, 1, 4));
            assertEquals(
                    "2 of 4 operations were refused, the others took effect: operation 2 is",
                    refusal(batch, 5, 6, 1, 2));
        }
        one.engine().close();
    }

    /** Up to the first reason. */
    private static String refusal(WriteBatch batch, long... ids) {
        for (long id : ids) {
            add(batch.rows(), id);
        }
        try {
            batch.commit().orThrow();
            return "";
        } catch (RowErrorsException e) {
            String message = String.valueOf(e.getMessage());
            return message.substring(0, message.indexOf(" is ") + " is".length());
        }
    }

    @Test
    void losesNoRowThatWasNotEnded(@Seed SplittableRandom random) {
        var one = new OneTable(random);
        Table table = one.create();
        try (WriteBatch batch = table.newBatch()) {
            add(batch.rows(), 1);
            batch.rows().start(OperationKind.INSERT).setLong(0, 2);
            assertRefused("not ended", batch::commit);
            assertTrue(batch.rows().setString(1, "2").end());
            assertEquals(2, batch.commit().orThrow().operationCount());
        }
        assertEquals(2, table.statistics().rowCount());
        one.engine().close();
    }

    private static void add(OperationBatch rows, long id) {
        assertTrue(rows.start(OperationKind.INSERT)
                .setLong(0, id)
                .setString(1, "one")
                .end());
    }

    private static void assertRefused(String reason, Executable use) {
        IllegalStateException refusal = assertThrows(IllegalStateException.class, use);
        assertTrue(refusal.toString().contains(reason), refusal::toString);
    }
}
