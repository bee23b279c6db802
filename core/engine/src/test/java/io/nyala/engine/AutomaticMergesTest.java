package io.nyala.engine;

import static io.nyala.rows.OperationKind.UPDATE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.MergePolicy.Kind;
import io.nyala.io.DiskException;
import io.nyala.io.HugePageSource;
import io.nyala.maintenance.TabletExplanation;
import io.nyala.memory.MemoryLimitException;
import io.nyala.partition.PartitionSchema;
import io.nyala.simulation.Operation;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletView;
import io.nyala.testkit.Seed;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: rowsets are merged without anybody's asking, when it is worth it and not before, as the settings of their table
 * say; a merge that fails is told and tried again, and neither it nor a long one keeps anything from being flushed.
 * Method: a simulated host, whose clock the test moves; few rowsets, of which a person knows what should become.
 */
final class AutomaticMergesTest {
    private static final long DELAY_MILLIS = 100_000; // Far longer than the steps of any of these stories take.
    private static final long DELAY_MICROS = 1_000 * DELAY_MILLIS;

    /** More than steps take until something is done that can be done. */
    private static final int STEPS = 3_000;

    private World world;
    private World.Running running;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        world = new World(random);
        running = world.open(config());
    }

    private static EngineConfig config() {
        return World.config()
                .withFlushBytes(8 << 20)
                .withLogSegmentBytes(16 << 20)
                .withAutomaticMerges(true)
                .withMergeDelayMillis(DELAY_MILLIS);
    }

    private Table create(String name) {
        return running.engine().createTable(name, Numbers.SCHEMA);
    }

    /** Flushes rows whose keys lie all along those of the others. */
    private void flushOverlapping(Table table, int rowSets) {
        for (int i = 0; i < rowSets; i++) {
            int first = i;
            Numbers.insert(
                            table,
                            LongStream.range(0, 20L * rowSets)
                                    .filter(id -> id % rowSets == first)
                                    .toArray())
                    .orThrow();
            Numbers.flush(running, table);
        }
    }

    private void settle() {
        for (int i = 0; i < STEPS; i++) {
            running.host().step();
        }
    }

    private void settle(long micros) {
        world.clock().advanceMicros(micros);
        settle();
    }

    private static int rowSets(Table table) {
        return table.statistics().rowSetCount();
    }

    private static Tablet tablet(Table table) {
        return table.state().tablets().getFirst().tablet();
    }

    private void awaitMerge(Table table) {
        running.host().await(() -> tablet(table).merging().isRunning());
    }

    @Test
    void fewThatOverlapAreMergedWhenTheirTabletIsQuiet() {
        Table table = create("t");
        flushOverlapping(table, 3);
        settle();
        assertEquals(3, rowSets(table), "more may come, which would overlap");
        TabletExplanation before = table.explain().getFirst();
        assertEquals(3, before.rowSets().size());
        assertTrue(before.height() > 2, () -> "height " + before.height());
        assertEquals(3, before.choice().fileIds().size());
        assertTrue(before.plan().startsWith("merged in "), before.plan());
        settle(DELAY_MICROS);
        assertEquals(1, rowSets(table));
        assertEquals(Numbers.list(0, 60), Numbers.ids(table.scan()));
        TabletExplanation after = table.explain().getFirst();
        assertEquals(1, after.height(), 1e-9);
        assertEquals("nothing is to be done", after.plan());
        running.engine().close();
    }

    @Test
    void manyThatOverlapAreMergedAtOnce() {
        Table table = create("t");
        flushOverlapping(table, 6);
        settle();
        assertTrue(rowSets(table) <= 3, () -> rowSets(table) + " rowsets");
        running.engine().close();
    }

    @Test
    void aTabletThatIsFlushedAllTheTimeIsMergedAllTheSame() {
        Table table = create("t");
        int merged = 0;
        for (int i = 0; i < 10; i++) {
            int before = rowSets(table);
            Numbers.insertRange(table, 10L * i, 10L * i + 10);
            Numbers.flush(running, table);
            settle(DELAY_MICROS * 9 / 10);
            merged += rowSets(table) <= before ? 1 : 0;
            assertTrue(merged == 0 || i >= 6, "it is young before");
        }
        assertTrue(merged > 0, () -> rowSets(table) + " rowsets");
        running.engine().close();
    }

    @Test
    void aClockThatIsSetBackKeepsNothingFromBeingMerged() {
        Table table = create("t");
        flushOverlapping(table, 3);
        world.clock().stepWallClock(-86_400_000_000L);
        settle(DELAY_MICROS);
        assertEquals(1, rowSets(table));
        running.engine().close();
    }

    @Test
    void aTableIsLeftAloneIfItsSettingsSayThat() {
        var settings = new TreeMap<>(Map.of(MergeSwitches.DISABLED, "1"));
        Table table =
                running.engine().createTable(TableSpec.of("t", Numbers.SCHEMA).withSettings(settings));
        flushOverlapping(table, 6);
        settle(7 * DELAY_MICROS);
        assertEquals(6, rowSets(table));
        String plan = table.explain().getFirst().plan();
        assertTrue(plan.contains("the settings of the table say so"), plan);
        table.alter().setting(MergeSwitches.DISABLED, "0").commit();
        settle();
        assertEquals(1, rowSets(table));
        running.engine().close();
    }

    @Test
    void nothingIsMergedWhereThatIsSwitchedOff() {
        running.engine().close();
        running = world.open(config().withAutomaticMerges(false));
        Table table = create("t");
        flushOverlapping(table, 6);
        settle(7 * DELAY_MICROS);
        assertEquals(6, rowSets(table));
        CompletableFuture<?> compaction = table.compact();
        running.host().await(compaction::isDone);
        assertEquals(1, rowSets(table));
        running.engine().close();
    }

    @Test
    void whatCountsForMoreIsMergedFirst() {
        Table low = create("low");
        var settings = new TreeMap<>(Map.of(MergeSwitches.PRIORITY, "5"));
        Table high = running.engine()
                .createTable(TableSpec.of("high", Numbers.SCHEMA).withSettings(settings));
        flushOverlapping(low, 3);
        flushOverlapping(high, 3);
        world.clock().advanceMicros(DELAY_MICROS);
        running.host().await(() -> rowSets(low) + rowSets(high) < 6);
        assertEquals(1, rowSets(high));
        running.host().await(() -> rowSets(low) == 1);
        running.engine().close();
    }

    @Test
    void aMergeThatFailsIsToldAndTriedAgainLater() {
        Table table = create("t");
        Table other = create("other");
        flushOverlapping(table, 3);
        world.disk()
                .failNext(
                        call -> call.operation() == Operation.CREATE
                                && call.fileName().endsWith(".rowset"),
                        DiskException.Kind.NO_SPACE);
        settle(DELAY_MICROS);
        List<RuntimeException> failures = running.engine().failures();
        assertEquals(1, failures.size(), failures::toString);
        assertEquals(
                DiskException.Kind.NO_SPACE,
                assertInstanceOf(DiskException.class, failures.getFirst()).kind());
        String plan = table.explain().getFirst().plan();
        assertTrue(plan.startsWith("tried again in "), plan);
        Numbers.insertRange(other, 0, 10);
        Numbers.flush(running, other);
        settle();
        assertEquals(3, rowSets(table), "it backs off");
        settle(10_000_000);
        assertEquals(1, rowSets(table));
        assertEquals(List.of(), running.engine().failures());
        running.engine().close();
    }

    /** In a steady load others have the memory now and then; writers were slowed for ten seconds each time. */
    @Test
    void aMergeThatHadNoMemoryIsTriedAgainSoonAndSmaller() {
        Table table = create("t");
        flushOverlapping(table, 3);
        var failuresLeft = new AtomicInteger(3);
        world.disk()
                .failNext(
                        call -> {
                            boolean isNew = call.operation() == Operation.CREATE
                                    && call.fileName().endsWith(".rowset");
                            if (isNew && failuresLeft.get() > 0) {
                                failuresLeft.getAndDecrement();
                                throw new MemoryLimitException("planned");
                            }
                            return false;
                        },
                        DiskException.Kind.OTHER);
        settle(DELAY_MICROS);
        assertInstanceOf(MemoryLimitException.class, running.engine().failures().getFirst());
        long failedAt = world.clock().micros();
        while (!running.engine().failures().isEmpty()) {
            settle(200_000);
            assertTrue(world.clock().micros() - failedAt < 9_000_000, "it is not tried again soon");
        }
        assertEquals(0, failuresLeft.get());
        for (int i = 0; i < 2; i++) {
            settle(DELAY_MICROS);
        }
        assertEquals(1, rowSets(table));
        assertEquals(2, mergeCount(), "two of them in each merge");

        long before = mergeCount();
        for (int i = 0; i < 3; i++) {
            int first = i;
            Numbers.insert(
                            table,
                            LongStream.range(1_000, 1_060)
                                    .filter(id -> id % 3 == first)
                                    .toArray())
                    .orThrow();
            Numbers.flush(running, table);
        }
        settle(DELAY_MICROS);
        assertEquals(before + 1, mergeCount(), "after a while they are larger again");
        running.engine().close();
    }

    private long mergeCount() {
        return running.engine().view().counters().getOrDefault("merges", -1L);
    }

    /** All maintenance ended with it. */
    @Test
    void aTabletOfWhichNobodyCanSayWhatIsToBeMergedHoldsUpNoOther(@Seed SplittableRandom random) {
        running.engine().close();
        var mistake = new IllegalStateException("planned");
        var isWrong = new AtomicBoolean();
        var host = new StepHost(random.split(), times -> world.clock().advanceMicros(100L * times));
        LongSupplier micros = () -> {
            if (isWrong.get() && isWithinALook()) {
                throw mistake;
            }
            return world.clock().micros();
        };
        var pages = new ProcessPages(HugePageSource.orJdk());
        var environment = new EngineEnvironment(world.disk(), micros, pages, host);
        running = new World.Running(Engine.open(config(), environment), host, pages);
        Table table = create("t");
        Table other = create("other");
        isWrong.set(true);
        flushOverlapping(table, 3);
        settle(DELAY_MICROS);
        assertEquals(3, rowSets(table));
        assertEquals(Set.of(mistake), Set.copyOf(running.engine().failures()));
        Numbers.insertRange(other, 0, 10);
        Numbers.flush(running, other);
        isWrong.set(false);
        settle(DELAY_MICROS);
        settle(DELAY_MICROS);
        assertEquals(1, rowSets(table));
        assertEquals(List.of(), running.engine().failures());
        running.engine().close();
    }

    private static boolean isWithinALook() {
        return StackWalker.getInstance()
                .walk(frames -> frames.anyMatch(frame -> frame.getClassName().endsWith(".MergeCandidate")
                        && frame.getMethodName().equals("look")));
    }

    private void update(Table table, String text, long... ids) {
        try (WriteBatch batch = table.newBatch()) {
            for (long id : ids) {
                batch.rows().start(UPDATE).setLong(0, id).setString(1, text).end();
            }
            batch.commit().orThrow();
        }
        Numbers.flush(running, table);
    }

    private static List<Long> files(Table table) {
        return TabletView.rowSets(tablet(table)).stream()
                .map(RowSetEntry::fileId)
                .sorted()
                .toList();
    }

    /** A merge of rowsets would gain more, but waits; it was shown as what comes next. */
    @Test
    void deltaFilesThatAreMergedWhileRowSetsWaitAreShown() {
        running.engine().close();
        running = world.open(config().withChangePercentMin(1_000)); // Files are a few KiB at least.
        Table table = create("t");
        flushOverlapping(table, 3);
        world.disk()
                .failNext(
                        call -> call.operation() == Operation.CREATE
                                && tablet(table).merging().isRunning(),
                        DiskException.Kind.NO_SPACE);
        for (int i = 0; i < 4; i++) {
            update(table, "round " + i, 0, 3, 6);
        }
        settle();
        TabletExplanation failed = table.explain().getFirst();
        assertEquals(Kind.MINOR, failed.choice().kind(), failed::toString);
        assertEquals(4, failed.choice().deltaFileIds().size());
        assertTrue(failed.plan().startsWith("tried again in "), failed.plan());

        world.clock().advanceMicros(10_000_000);
        awaitMerge(table);
        world.clock().advanceMicros(DELAY_MICROS); // The rowsets need not wait any more.
        TabletExplanation during = table.explain().getFirst();
        assertEquals(failed.choice(), during.choice());
        assertTrue(during.plan().startsWith("under way: merge of delta files "), during.plan());
        assertTrue(during.plan().endsWith(" % done"), during.plan());
        settle();
        assertEquals(1, rowSets(table));
        running.engine().close();
    }

    /** Each began to wait anew when another was done: in a tablet that is flushed all the time, a minute each. */
    @Test
    void rowSetsThatHaveMuchChangedWaitTogether() {
        Table table = create("t");
        for (int i = 0; i < 2; i++) {
            Numbers.insertRange(table, 5_000L * i, 5_000L * (i + 1)); // Of many times the bytes of a delta file.
            Numbers.flush(running, table);
        }
        List<Long> before = files(table);
        int rounds = 0;
        while (files(table).equals(before)) {
            assertTrue(rounds++ < 12, "they wait for too long");
            update(table, "round " + rounds, 7, 5_007);
            settle(DELAY_MICROS * 9 / 10);
        }
        assertTrue(files(table).stream().noneMatch(before::contains), () -> before + " became " + files(table));
        running.engine().close();
    }

    @Test
    void aMergeKeepsNothingFromBeingFlushed() {
        Table table = create("t");
        Table other = create("other");
        long rows = 30_000; // A merge takes a step for each thousand of them.
        for (int i = 0; i < 3; i++) {
            int first = i;
            Numbers.insert(
                            table,
                            LongStream.range(0, rows)
                                    .filter(id -> id % 3 == first)
                                    .toArray())
                    .orThrow();
            Numbers.flush(running, table);
        }
        world.clock().advanceMicros(DELAY_MICROS);
        awaitMerge(table);
        Numbers.insertRange(other, 0, 10);
        Numbers.flush(running, other);
        assertTrue(tablet(table).merging().isRunning(), "of another tablet");

        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(UPDATE).setLong(0, 7).setString(1, "changed").end();
            batch.commit().orThrow();
        }
        Numbers.insertRange(table, rows, rows + 10);
        CompletableFuture<Void> flush = table.flush();
        running.host().await(() -> rowSets(table) == 4 || flush.isDone());
        assertTrue(tablet(table).merging().isRunning(), "of the same tablet");
        assertFalse(flush.isDone(), "a change of a row that is merged is in memory");
        running.host().await(flush::isDone);
        flush.join();
        assertFalse(tablet(table).merging().isRunning());
        assertEquals(Long.MAX_VALUE, tablet(table).neededFromByRows(), "nothing is left in memory");
        running.engine().close();
    }

    @Test
    void onlyTabletsInWhichSomethingMovedAreLookedAt() {
        PartitionSchema partitioning =
                PartitionSchema.of(Numbers.SCHEMA).hash(200, "id").build();
        Table table = running.engine().createTable(TableSpec.of("t", partitioning));
        settle();
        long before = running.engine().maintenance().choiceCount();
        for (int i = 0; i < 5; i++) {
            Numbers.insertRange(table, i, i + 1);
            Numbers.flush(running, table);
            settle();
        }
        long looks = running.engine().maintenance().choiceCount() - before;
        assertTrue(looks >= 1 && looks <= 5, () -> looks + " looks at 5 tablets of 200");
        running.engine().close();
    }
}
