package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.CommitResult.Ignored;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.testkit.Seed;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a batch says how many of its operations were ignored, by kind. Method: random batches of all kinds on few keys,
 * over one or several tablets, in memory and in files, against a set of the keys that are there; and what is not
 * counted.
 */
final class IgnoredOperationsTest {
    private static final OperationKind[] KINDS = OperationKind.values();
    private static final int KEYS = 40;

    private OneTable one;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        one = new OneTable(random);
    }

    private Table create(int tablets) {
        PartitionSchema.Builder partitions = PartitionSchema.of(Numbers.SCHEMA);
        return one.engine()
                .createTable(TableSpec.of("t", (tablets == 1 ? partitions : partitions.hash(tablets, "id")).build()));
    }

    @RepeatedTest(16)
    void countsWhatDidNotHappenByKind(@Seed SplittableRandom random) {
        Table table = create(random.nextInt(1, 4));
        Set<Long> live = new HashSet<>();
        try (WriteBatch batch = table.newBatch()) {
            for (int i = 0; i < 12; i++) {
                int[] ignored = new int[OperationKind.UPSERT_IGNORE.code() + 1];
                int refused = 0;
                for (int k = random.nextInt(60); k > 0; k--) {
                    OperationKind kind = KINDS[random.nextInt(KINDS.length)];
                    long id = random.nextLong(KEYS);
                    add(batch, kind, id);
                    if (!apply(kind, id, live)) {
                        ignored[kind.code()]++;
                        refused += isIgnoring(kind) ? 0 : 1;
                    }
                }
                CommitResult result = batch.commit();
                assertEquals(refused, result.errors().size());
                assertEquals(
                        new Ignored(
                                ignored[OperationKind.INSERT_IGNORE.code()],
                                0,
                                ignored[OperationKind.UPDATE_IGNORE.code()],
                                ignored[OperationKind.DELETE_IGNORE.code()],
                                0),
                        result.ignored());
                if (random.nextInt(3) == 0) {
                    one.flush();
                }
            }
        }
        one.engine().close();
    }

    private static boolean isIgnoring(OperationKind kind) {
        return switch (kind) {
            case INSERT, UPSERT, UPDATE, DELETE -> false;
            case INSERT_IGNORE, UPSERT_IGNORE, UPDATE_IGNORE, DELETE_IGNORE -> true;
        };
    }

    private static boolean apply(OperationKind kind, long id, Set<Long> live) {
        return switch (kind) {
            case INSERT, INSERT_IGNORE -> live.add(id);
            case UPDATE, UPDATE_IGNORE -> live.contains(id);
            case DELETE, DELETE_IGNORE -> live.remove(id);
            case UPSERT, UPSERT_IGNORE -> {
                live.add(id);
                yield true;
            }
        };
    }

    private static void add(WriteBatch batch, OperationKind kind, long id) {
        batch.rows().start(kind).setLong(0, id);
        if (!kind.isDelete()) {
            batch.rows().setString(1, "text");
        }
        batch.rows().end();
    }

    @Test
    void anAtomicBatchCountsThemUnlessItIsRolledBack() {
        Table table = create(1);
        try (WriteBatch batch = table.newBatch().atomic(true)) {
            add(batch, OperationKind.INSERT, 1);
            add(batch, OperationKind.INSERT_IGNORE, 1);
            add(batch, OperationKind.DELETE_IGNORE, 2);
            assertEquals(new Ignored(1, 0, 0, 1, 0), batch.commit().orThrow().ignored());
            add(batch, OperationKind.INSERT_IGNORE, 1);
            add(batch, OperationKind.INSERT, 1);
            CommitResult rolledBack = batch.commit();
            assertEquals(2, rolledBack.errors().size());
            assertSame(Ignored.NONE, rolledBack.ignored());
        }
        one.engine().close();
    }

    @Test
    void whatIsDoneButForImmutableColumnsIsCountedToo() {
        Table table = one.engine()
                .createTable(
                        "t",
                        Schema.of(
                                Column.key("id", ColumnType.INT64),
                                Column.of("text", ColumnType.STRING).nullable().immutable()));
        try (WriteBatch batch = table.newBatch()) {
            add(batch, OperationKind.UPSERT_IGNORE, 1); // It is new: all of it.
            assertSame(Ignored.NONE, batch.commit().orThrow().ignored());
            add(batch, OperationKind.UPSERT_IGNORE, 1);
            add(batch, OperationKind.UPDATE_IGNORE, 1);
            add(batch, OperationKind.UPDATE_IGNORE, 2); // Not there.
            assertEquals(new Ignored(0, 1, 2, 0, 1), batch.commit().orThrow().ignored());
        }
        one.engine().close();
    }

    @RepeatedTest(5)
    void theAnswerToARequestThatComesAgainHasThem(@Seed SplittableRandom random) {
        boolean isFlushed = random.nextBoolean();
        PartitionSchema.Builder partitions = PartitionSchema.of(Schema.of(
                Column.key("id", ColumnType.INT64),
                Column.of("text", ColumnType.STRING).nullable().immutable()));
        one.engine().createTable(TableSpec.of("t", partitions.hash(2, "id").build()));
        List<List<Long>> requests = Stream.generate(
                        () -> random.longs(20, 0, KEYS).boxed().toList())
                .limit(20)
                .toList();
        List<CommitResult> first = commitAll(requests);
        assertTrue(first.stream().anyMatch(result -> result.ignored().updatesInPart() > 0));
        assertEquals(first, commitAll(requests));
        if (isFlushed) {
            one.flush(); // Then the answers stand in the log in another form.
        }
        one.reopen();
        assertEquals(first, commitAll(requests));
        one.engine().close();
    }

    /** Each as a request of a name: the kinds in turn, of these ids. */
    private List<CommitResult> commitAll(List<List<Long>> requests) {
        return IntStream.range(0, requests.size())
                .mapToObj(number -> {
                    try (WriteBatch batch = one.table().newBatch().request(Requests.name(7, number))) {
                        for (int i = 0; i < requests.get(number).size(); i++) {
                            add(
                                    batch,
                                    KINDS[i % KINDS.length],
                                    requests.get(number).get(i));
                        }
                        CommitResult result = batch.commit();
                        assertEquals(
                                result.hasErrors(),
                                !List.copyOf(result.errors()).isEmpty());
                        return result;
                    }
                })
                .toList();
    }
}
