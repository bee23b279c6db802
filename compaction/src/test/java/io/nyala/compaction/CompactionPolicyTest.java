package io.nyala.compaction;

import static io.nyala.compaction.MergedLayout.key;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.MergePolicy.Choice;
import io.nyala.compaction.MergePolicy.Kind;
import io.nyala.compaction.RowSetShape.DeltaFileShape;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: of many small delta files one is made before scans feel them, a rowset that has much changed is written again,
 * however many rowsets there are beside it, and overlapping rowsets come first where that brings more; no change is
 * written many times.
 * Method: layouts by hand, with the choice that a person would make; files that are flushed one after the other, and
 * random layouts, merged as the policy says.
 */
final class CompactionPolicyTest {
    private static final long KIB = 1 << 10;
    private static final long MIB = 1 << 20;
    private static final CompactionPolicy.Deltas DELTAS = new CompactionPolicy.Deltas(4, 32, 16 * MIB);
    private static final MergePolicy.Budget BUDGET =
            new MergePolicy.Budget(128 * MIB, 8 << 20, MergePolicy.INPUTS_MAX, 8 * MIB, 0.01, 0.1, 0.2, DELTAS);

    /** A rowset of 32 MiB between two keys, with delta files of these bytes. */
    private static RowSetShape shape(long id, int from, int to, long... deltaBytes) {
        List<DeltaFileShape> files = new ArrayList<>();
        for (long bytes : deltaBytes) {
            files.add(new DeltaFileShape(100 * id + files.size(), bytes));
        }
        long changeBytes = LongStream.of(deltaBytes).sum();
        return new RowSetShape(id, 300_000, 32 * MIB, changeBytes, key(from), key(to), files, 0, false);
    }

    private static Choice choose(RowSetShape... shapes) {
        return CompactionPolicy.choose(List.of(shapes), BUDGET);
    }

    @Test
    void fewDeltaFilesAreLeftAsTheyAre() {
        Choice choice = choose(shape(1, 0, 10, 50 * KIB, 50 * KIB, 50 * KIB));
        assertTrue(choice.kind() == Kind.NOTHING, choice.reason());
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
        assertEquals(3.0 / 32, choice.gain(), 1e-9, "for look-ups that ask it");
    }

    /** Rowsets one behind another, of which the first has other delta files than the rest. */
    private static List<RowSetShape> inARow(int count, long[] ofFirst, long... ofOthers) {
        return IntStream.range(0, count)
                .mapToObj(i -> shape(i + 1, 10 * i, 10 * i + 5, i == 0 ? ofFirst : ofOthers))
                .toList();
    }

    private static long[] files(int count, long bytes) {
        return LongStream.generate(() -> bytes).limit(count).toArray();
    }

    /** The gain was a share of all look-ups: from 98 rowsets on, no delta files became one ever. */
    @ParameterizedTest
    @ValueSource(ints = {1, 50, 100, 300})
    void howManyOthersThereAreMakesNoDifferenceToDeltaFiles(int rowSets) {
        assertEquals(
                Kind.NOTHING,
                CompactionPolicy.choose(inARow(rowSets, files(3, 5 * KIB), files(3, 5 * KIB)), BUDGET)
                        .kind());
        Choice choice = CompactionPolicy.choose(inARow(rowSets, files(4, 5 * KIB), files(3, 5 * KIB)), BUDGET);
        assertEquals(List.of(1L), choice.fileIds(), choice.reason());
        assertEquals(4, choice.deltaFileIds().size());
        choice = CompactionPolicy.choose(inARow(rowSets, files(9, 50 * KIB), files(4, 5 * KIB)), BUDGET);
        assertEquals(9, choice.deltaFileIds().size(), "most files come first");
    }

    /** From 67 rowsets on none was written again, and long before its delta files were left as they were. */
    @ParameterizedTest
    @ValueSource(ints = {1, 50, 80, 100, 300})
    void howManyOthersThereAreMakesNoDifferenceToChanges(int rowSets) {
        Choice choice = CompactionPolicy.choose(inARow(rowSets, files(2, 1700 * KIB)), BUDGET);
        assertEquals(Kind.MAJOR, choice.kind(), choice.reason());
        assertEquals(List.of(1L), choice.fileIds());
        assertTrue(choice.reason().contains("changes are 10.4 % of it, and 10 % are enough"), choice.reason());
        choice = CompactionPolicy.choose(inARow(rowSets, files(2, 20 * MIB), files(2, 2 * MIB)), BUDGET);
        assertEquals(List.of(1L), choice.fileIds(), "most changes come first");
        assertEquals(
                Kind.NOTHING,
                CompactionPolicy.choose(inARow(rowSets, files(2, 1600 * KIB)), BUDGET)
                        .kind());
    }

    /** Whatever else is in the tablet: its space is its own. */
    @ParameterizedTest
    @ValueSource(ints = {1, 50, 300})
    void aRowSetOfWhichMuchIsForgottenIsWrittenAgain(int rowSets) {
        List<RowSetShape> shapes = new ArrayList<>(inARow(rowSets, files(1, MIB)));
        RowSetShape first = shapes.getFirst();
        shapes.set(0, first.forgetting(first.cost() / 5 - 1));
        assertEquals(Kind.NOTHING, CompactionPolicy.choose(shapes, BUDGET).kind(), "it costs more than it gives back");
        shapes.set(0, first.forgetting(first.cost() * 9 / 10));
        Choice choice = CompactionPolicy.choose(shapes, BUDGET);
        assertEquals(Kind.MAJOR, choice.kind(), choice.reason());
        assertEquals(List.of(1L), choice.fileIds());
        assertEquals(0.9, choice.gain(), 1e-6);
        assertEquals(Lane.RECLAIM_SPACE, choice.lane());
        assertTrue(
                choice.reason()
                        .startsWith("rowset 1, 33,554,432 bytes, is written again for its space: gains 0.9000; about"
                                + " 31,142,707 bytes of it and its changes, 90.0 %, are deleted rows and history that"
                                + " nobody can read any more, and 20 % are enough"),
                choice.reason());
    }

    @Test
    void whatIsWhollyForgottenComesFirst() {
        Choice choice = choose(
                shape(1, 0, 10, 16 * MIB), // Half of it.
                shape(2, 11, 20).forgetting(30 * MIB),
                shape(3, 21, 30, MIB).forgetting(100 * MIB));
        assertEquals(List.of(3L), choice.fileIds(), choice.reason());
        assertEquals(1, choice.gain(), 1e-9, "more than there is cannot come back");
    }

    /** A limit for it would be one behind which its changes become more and more. */
    @Test
    void evenOneWithVeryManyChangesIsWrittenAgain() {
        Choice choice = choose(shape(1, 0, 10, files(40, 4 * MIB)), shape(2, 11, 20));
        assertTrue(32 * MIB + 160 * MIB > BUDGET.bytesMax());
        assertEquals(Kind.MAJOR, choice.kind(), choice.reason());
        assertEquals(List.of(1L), choice.fileIds());
    }

    @Test
    void whatIsLeftIsSaidWithItsReason() {
        RowSetShape manyRows = new RowSetShape(
                7,
                BUDGET.rowsMax() + 1,
                32 * MIB,
                8 * MIB,
                key(0),
                key(10),
                shape(7, 0, 10, 8 * MIB).deltaFiles(),
                0,
                false);
        Choice choice = choose(manyRows, shape(8, 11, 20, 900 * KIB, 250 * KIB, 70 * KIB, 20 * KIB));
        assertEquals(Kind.NOTHING, choice.kind(), choice.reason());
        assertTrue(
                choice.reason()
                        .contains(
                                "; changes are 25.0 % of rowset 7, which is not written again: it has 8,388,609 rows"),
                choice.reason());
        assertTrue(choice.reason().contains("; rowset 8 keeps its 4 delta files, since no 4 of them"), choice.reason());
    }

    /** Of each kind the best: who may not do the first yet does another. */
    @Test
    void eachKindHasItsChoice() {
        List<Choice> choices = CompactionPolicy.choices(
                List.of(
                        shape(1, 0, 10, files(5, 5 * KIB)),
                        shape(2, 11, 20, 17 * MIB),
                        shape(3, 21, 30),
                        shape(4, 21, 30)),
                BUDGET);
        assertEquals(
                List.of(Kind.MAJOR, Kind.SEVERAL, Kind.MINOR),
                choices.stream().map(Choice::kind).toList(),
                choices::toString);
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
        long[] large = files(10, 3 * MIB);
        RowSetShape notToBeWrittenAgain = new RowSetShape(
                1,
                300_000,
                400 * MIB,
                30 * MIB,
                key(0),
                key(10),
                shape(1, 0, 10, large).deltaFiles(),
                0,
                false);
        Choice choice = choose(notToBeWrittenAgain);
        assertEquals(5, choice.deltaFileIds().size(), choice.reason());
        long[] many = files(50, KIB);
        assertEquals(32, choose(shape(1, 0, 10, many)).deltaFileIds().size());
    }

    @Test
    void aRowSetThatHasMuchChangedIsWrittenAgain() {
        Choice choice = choose(shape(1, 0, 10, MIB, MIB, MIB, MIB), shape(2, 11, 20));
        assertEquals(List.of(1L), choice.fileIds());
        assertEquals(Kind.MAJOR, choice.kind(), choice.reason());
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
                shape(1, 0, 10, MIB, MIB, MIB, MIB).deltaFiles(),
                0,
                false);
        Choice choice = choose(large);
        assertEquals(4, choice.deltaFileIds().size(), choice.reason());
    }

    @Test
    void rowSetsThatOverlapComeFirst() {
        Choice choice = choose(shape(1, 0, 10, KIB, KIB, KIB, KIB), shape(2, 0, 10), shape(3, 0, 10));
        assertEquals(3, choice.fileIds().size(), choice.reason());
        assertEquals(Kind.SEVERAL, choice.kind());
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
                    List.of(new RowSetShape(1, 300_000, 32 * MIB, flushed, key(0), key(10), files, 0, false)), BUDGET);
            if (choice.kind() == Kind.MINOR) {
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
