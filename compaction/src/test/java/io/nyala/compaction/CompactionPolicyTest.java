package io.nyala.compaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.MergePolicy.Choice;
import io.nyala.compaction.RowSetShape.DeltaFileShape;
import io.nyala.testkit.Seed;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: of many small delta files one is made before scans feel them, a rowset that has much changed is written again
 * instead, and overlapping rowsets come first where that brings more; no change is written many times.
 * Method: layouts by hand, with the choice that a person would make; files that are flushed one after the other, and
 * merged as the policy says.
 */
final class CompactionPolicyTest {
    private static final long KIB = 1 << 10;
    private static final long MIB = 1 << 20;
    private static final CompactionPolicy.Deltas DELTAS = new CompactionPolicy.Deltas(4, 32, 16 * MIB);
    private static final MergePolicy.Budget BUDGET =
            new MergePolicy.Budget(128 * MIB, 8 << 20, MergePolicy.INPUTS_MAX, 8 * MIB, 0.01, 0.1, DELTAS);

    /** A rowset of 32 MiB between two keys, with delta files of these bytes. */
    private static RowSetShape shape(long id, int from, int to, long... deltaBytes) {
        List<DeltaFileShape> files = new ArrayList<>();
        for (long bytes : deltaBytes) {
            files.add(new DeltaFileShape(100 * id + files.size(), bytes));
        }
        long changeBytes = LongStream.of(deltaBytes).sum();
        return new RowSetShape(id, 300_000, 32 * MIB, changeBytes, key(from), key(to), files);
    }

    private static byte[] key(int value) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(value).array();
    }

    private static Choice choose(RowSetShape... shapes) {
        return CompactionPolicy.choose(List.of(shapes), BUDGET);
    }

    @Test
    void fewDeltaFilesAreLeftAsTheyAre() {
        Choice choice = choose(shape(1, 0, 10, 50 * KIB, 50 * KIB, 50 * KIB));
        assertTrue(choice.fileIds().isEmpty() && !choice.isOfDeltaFiles(), choice.reason());
    }

    @Test
    void manySmallOnesBecomeOne() {
        Choice choice = choose(shape(1, 0, 10, 50 * KIB, 60 * KIB, 50 * KIB, 40 * KIB), shape(2, 11, 20, KIB));
        assertEquals(List.of(1L), choice.fileIds());
        assertEquals(List.of(100L, 101L, 102L, 103L), choice.deltaFileIds());
        assertTrue(
                choice.reason().startsWith("4 of 4 delta files of rowset 1, 204,800 bytes, become one, a minor"),
                choice.reason());
        assertTrue(choice.reason().contains("changes are 0.6 % of the rowset"), choice.reason());
        assertEquals(0.5 * 3 / 32, choice.gain(), 1e-9, "half of all look-ups ask it");
    }

    @Test
    void aRowSetThatFewLookUpsAskIsLeftLonger() {
        List<RowSetShape> shapes = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            shapes.add(shape(i, 10 * i, 10 * i + 5, 5 * KIB, 5 * KIB, 5 * KIB, 5 * KIB));
        }
        assertFalse(CompactionPolicy.choose(shapes, BUDGET).isOfDeltaFiles());
        shapes.set(
                3, shape(3, 30, 35, LongStream.generate(() -> 5 * KIB).limit(9).toArray()));
        Choice choice = CompactionPolicy.choose(shapes, BUDGET);
        assertEquals(List.of(3L), choice.fileIds(), choice.reason());
        assertEquals(9, choice.deltaFileIds().size());
    }

    @Test
    void aLargeOneIsNotWrittenAgainForSmallOnes() {
        Choice choice = choose(shape(1, 0, 10, 2 * MIB, 50 * KIB, 60 * KIB, 50 * KIB, 40 * KIB));
        assertEquals(List.of(101L, 102L, 103L, 104L), choice.deltaFileIds(), choice.reason());
        choice = choose(shape(1, 0, 10, 50 * KIB, 60 * KIB, 50 * KIB, 40 * KIB, 2 * MIB));
        assertEquals(List.of(100L, 101L, 102L, 103L), choice.deltaFileIds(), "they lie behind a large one");
    }

    @Test
    void noMoreAreMergedThanThereIsMemoryFor() {
        long[] large = LongStream.generate(() -> 3 * MIB).limit(10).toArray();
        RowSetShape notToBeWrittenAgain = new RowSetShape(
                1,
                300_000,
                400 * MIB,
                30 * MIB,
                key(0),
                key(10),
                shape(1, 0, 10, large).deltaFiles());
        Choice choice = choose(notToBeWrittenAgain);
        assertEquals(5, choice.deltaFileIds().size(), choice.reason());
        long[] many = LongStream.generate(() -> KIB).limit(50).toArray();
        assertEquals(32, choose(shape(1, 0, 10, many)).deltaFileIds().size());
    }

    @Test
    void aRowSetThatHasMuchChangedIsWrittenAgain() {
        Choice choice = choose(shape(1, 0, 10, MIB, MIB, MIB, MIB), shape(2, 11, 20));
        assertEquals(List.of(1L), choice.fileIds());
        assertFalse(choice.isOfDeltaFiles(), choice.reason());
        assertTrue(choice.reason().contains("a major delta compaction"), choice.reason());
    }

    @Test
    void oneThatIsTooLargeForThatHasItsDeltaFilesMergedAllTheSame() {
        RowSetShape large = new RowSetShape(
                1,
                BUDGET.rowsMax() + 1,
                32 * MIB,
                4 * MIB,
                key(0),
                key(10),
                shape(1, 0, 10, MIB, MIB, MIB, MIB).deltaFiles());
        Choice choice = choose(large);
        assertEquals(4, choice.deltaFileIds().size(), choice.reason());
    }

    @Test
    void rowSetsThatOverlapComeFirst() {
        Choice choice = choose(shape(1, 0, 10, KIB, KIB, KIB, KIB), shape(2, 0, 10), shape(3, 0, 10));
        assertEquals(3, choice.fileIds().size(), choice.reason());
        assertFalse(choice.isOfDeltaFiles());
    }

    /** About as often as the number of files goes through 4 and its powers. */
    @RepeatedTest(5)
    void eachChangeIsWrittenFewTimes(@Seed SplittableRandom random) {
        List<DeltaFileShape> files = new ArrayList<>();
        long flushed = 0;
        long written = 0;
        int most = 0;
        long id = 1;
        while (flushed < 3 * MIB) { // Less than a tenth of the rowset.
            long bytes = random.nextLong(4 * KIB, 12 * KIB);
            flushed += bytes;
            files.add(new DeltaFileShape(id++, bytes));
            Choice choice = CompactionPolicy.choose(
                    List.of(new RowSetShape(1, 300_000, 32 * MIB, flushed, key(0), key(10), files)), BUDGET);
            if (choice.isOfDeltaFiles()) {
                List<Long> chosen = choice.deltaFileIds();
                int first = files.stream().map(DeltaFileShape::fileId).toList().indexOf(chosen.getFirst());
                List<DeltaFileShape> inputs = files.subList(first, first + chosen.size());
                assertEquals(chosen, inputs.stream().map(DeltaFileShape::fileId).toList(), "one behind another");
                long sum = inputs.stream().mapToLong(DeltaFileShape::bytes).sum();
                inputs.clear();
                files.add(first, new DeltaFileShape(id++, sum));
                written += sum;
            }
            most = Math.max(most, files.size());
        }
        int mostSeen = most;
        double times = (double) written / flushed;
        assertTrue(mostSeen <= 16, () -> mostSeen + " files at once");
        assertTrue(times < 8, () -> "each change was written " + times + " times");
    }
}
