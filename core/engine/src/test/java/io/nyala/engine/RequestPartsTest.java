package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.partition.PartitionSchema;
import io.nyala.record.RequestName;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.testkit.Seed;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: a part of a request that comes again, cut otherwise than it was, has the answer to the operations that it had.
 * Method: one part with errors of all kinds, which comes again shorter, longer, empty, and in another state of the
 * engine.
 */
final class RequestPartsTest {
    private static final RequestName NAME = Requests.name(7, 3);

    /** Of the part as it came first: one is there, one has no key, one is there and is ignored. */
    private static final int FIRST_COUNT = 10;

    private OneTable one;
    private long tablet;

    /** What happens between the first time and the second. */
    enum Between {
        NOTHING,
        RESTART,
        FLUSH_AND_RESTART
    }

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        one = new OneTable(random);
        Table table = one.engine()
                .createTable(TableSpec.of(
                        "t", PartitionSchema.of(Numbers.SCHEMA).range("id").build()));
        tablet = table.tablets().getFirst().id();
        Numbers.insert(table, Requests.PRESENT).orThrow();
    }

    private void happen(Between between) {
        if (between == Between.FLUSH_AND_RESTART) {
            one.flush();
        }
        if (between != Between.NOTHING) {
            one.reopen();
        }
    }

    private static void fill(WriteBatch batch, int count) {
        for (int i = 0; i < count; i++) {
            batch.rows().start(i == 8 ? OperationKind.INSERT_IGNORE : OperationKind.INSERT);
            if (i == 3 || i == 8) {
                batch.rows().setLong(0, Requests.PRESENT);
            } else if (i == 5) {
                batch.rows().fail(RowErrorCode.BAD_VALUE, "row 5 is bad, says the test");
            } else {
                batch.rows().setLong(0, i);
            }
            batch.rows().end();
        }
    }

    private CommitResult commit(int count, boolean isLast) {
        try (WriteBatch batch = one.table().newBatch().onlyTablet(tablet)) {
            fill(batch, count);
            return copy(batch.requestPart(NAME, isLast).commit());
        }
    }

    /** With its words, which are made from the batch. */
    private static CommitResult copy(CommitResult result) {
        return new CommitResult(
                result.timestamp(),
                result.operationCount(),
                result.repeatedCount(),
                result.ignored(),
                List.copyOf(result.errors().stream().toList()));
    }

    private CommitResult ask(RequestName name) {
        try (WriteBatch batch = one.table().newBatch().onlyTablet(tablet)) {
            return copy(batch.requestPart(name, true).onlyRepeat().commit());
        }
    }

    private static List<Integer> refused(CommitResult result) {
        return result.errors().stream().map(RowError::operationIndex).toList();
    }

    @ParameterizedTest
    @EnumSource
    void aPartHasItsAnswerHoweverItIsCut(Between between) {
        CommitResult first = commit(FIRST_COUNT, false);
        assertEquals(CommitResult.NOT_REPEATED, first.repeatedCount());
        assertEquals(List.of(3, 5), refused(first));
        assertEquals(1, first.ignored().inserts());
        happen(between);
        for (int count : new int[] {FIRST_COUNT, 1, 4, 6, 30}) {
            CommitResult again = commit(count, count == 30);
            assertEquals(FIRST_COUNT, again.repeatedCount(), count + " operations");
            assertEquals(first.timestamp(), again.timestamp());
            assertEquals(first.ignored(), again.ignored());
            assertEquals(List.of(3, 5), refused(again));
            for (int i = 0; i < 2; i++) { // Words are the same where the operation is there to be spoken of.
                assertEquals(first.errors().get(i).code(), again.errors().get(i).code());
                assertEquals(
                        count > again.errors().get(i).operationIndex(),
                        first.errors().get(i).equals(again.errors().get(i)));
            }
        }
        assertEquals(8, one.table().statistics().liveRowCount());
        one.engine().close();
    }

    @ParameterizedTest
    @EnumSource
    void thePartThatWasTheRestHasTheAnswerOfAllThereIs(Between between) {
        CommitResult first = commit(FIRST_COUNT, true);
        happen(between);
        CommitResult again = commit(4, false);
        assertEquals(CommitResult.ALL_OPERATIONS, again.repeatedCount());
        assertEquals(List.of(3, 5), refused(again));
        assertEquals(first.ignored(), again.ignored());
        one.engine().close();
    }

    @ParameterizedTest
    @EnumSource
    void anAnswerCanBeAskedForWithoutRows(Between between) {
        CommitResult first = commit(FIRST_COUNT, false);
        happen(between);
        CommitResult again = ask(NAME);
        assertEquals(FIRST_COUNT, again.repeatedCount());
        assertEquals(List.of(3, 5), refused(again));
        assertEquals(first.timestamp(), again.timestamp());
        assertEquals(
                "was refused when the request came first: BAD_VALUE",
                again.errors().get(1).message());
        CommitResult none = ask(Requests.name(7, 4));
        assertEquals(CommitResult.NOT_REPEATED, none.repeatedCount());
        assertTrue(none.errors().isEmpty());
        assertEquals(CommitResult.NOT_REPEATED, ask(Requests.name(7, 4)).repeatedCount(), "asking is no answer");
        one.engine().close();
    }

    /** It has no row that any tablet takes; but what is wrong with its rows might be right the next time. */
    @ParameterizedTest
    @EnumSource
    void aPartWithoutAGoodRowIsRemembered(Between between) {
        try (WriteBatch batch = one.table().newBatch().onlyTablet(tablet)) {
            batch.rows().start(OperationKind.INSERT).end();
            assertEquals(1, batch.requestPart(NAME, true).commit().errors().size());
        }
        happen(between);
        try (WriteBatch batch = one.table().newBatch().onlyTablet(tablet)) {
            batch.rows().start(OperationKind.INSERT).setLong(0, 5).end();
            CommitResult again = batch.requestPart(NAME, true).commit();
            assertEquals(CommitResult.ALL_OPERATIONS, again.repeatedCount());
            assertEquals(RowErrorCode.MISSING_VALUE, again.errors().getFirst().code());
        }
        assertEquals(1, one.table().statistics().liveRowCount());
        one.engine().close();
    }
}
