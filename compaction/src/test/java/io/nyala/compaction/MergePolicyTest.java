package io.nyala.compaction;

import static io.nyala.compaction.MergedLayout.key;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: what is merged next brings most for its bytes, never costs more than it may, and in the end nothing is left to
 * merge.
 * Method: layouts of rowsets by hand, with the choice that a person would make; random ones, merged until the policy
 * has enough.
 */
final class MergePolicyTest {
    private static final long MIB = 1 << 20;
    private static final MergePolicy.Budget BUDGET = budget(MergePolicy.INPUTS_MAX);

    private static MergePolicy.Budget budget(int inputsMax) {
        return new MergePolicy.Budget(
                128 * MIB, 8 << 20, inputsMax, 8 * MIB, 0.01, 0.1, 0.2, new CompactionPolicy.Deltas(4, 32, MIB));
    }

    private long nextId = 1;

    private static RowSetShape shape(long id, int from, int to, long bytes, long changeBytes) {
        return new RowSetShape(id, bytes / 100, bytes, changeBytes, key(from), key(to), List.of(), 0, false);
    }

    @Test
    void heightIsTheRowSetsThatALookUpAsks() {
        assertEquals(0, new KeySpace(List.of()).height());
        assertEquals(1, height(shape(1, 0, 10, MIB, 0)), 1e-9);
        assertEquals(1, height(shape(1, 0, 10, MIB, 0), shape(2, 11, 20, MIB, 0)), 1e-9);
        assertEquals(2, height(shape(1, 0, 10, MIB, 0), shape(2, 0, 10, 3 * MIB, 0)), 1e-9);
        var apart = List.of(shape(1, 0, 10, MIB, 0), shape(2, 0, 10, MIB, 0), shape(3, 20, 30, MIB, 0));
        KeySpace space = new KeySpace(apart);
        assertEquals(2.0 / 3, space.width(0), 1e-9);
        assertEquals(1.0 / 3, space.width(2), 1e-9);
        assertEquals(5.0 / 3, space.height(), 1e-9);
    }

    private static double height(RowSetShape... shapes) {
        return new KeySpace(List.of(shapes)).height();
    }

    @Test
    void rowSetsThatDoNotOverlapAreLeftAlone() {
        var choice = MergePolicy.choose(
                List.of(shape(1, 0, 10, 32 * MIB, 0), shape(2, 11, 20, 32 * MIB, 0), shape(3, 21, 30, 32 * MIB, 0)),
                BUDGET);
        assertEquals(List.of(), choice.fileIds(), choice.reason());
        assertTrue(choice.reason().contains("nothing: 3 rowsets, average height 1.000"), choice.reason());
    }

    @Test
    void noMoreAreMergedThanThereIsMemoryFor() {
        List<RowSetShape> all = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            all.add(shape(i, 0, 10, MIB, 0));
        }
        assertEquals(10, MergePolicy.choose(all, BUDGET).fileIds().size());
        assertEquals(4, MergePolicy.choose(all, budget(4)).fileIds().size());
    }

    @Test
    void thoseThatOverlapAreMergedAndOthersAreNot() {
        var choice = MergePolicy.choose(
                List.of(
                        shape(1, 0, 10, 32 * MIB, 0),
                        shape(2, 5, 15, 32 * MIB, 0),
                        shape(3, 30, 40, 32 * MIB, 0),
                        shape(4, 3, 12, 32 * MIB, 0)),
                BUDGET);
        assertEquals(new HashSet<>(List.of(1L, 2L, 4L)), new HashSet<>(choice.fileIds()), choice.reason());
    }

    @Test
    void smallOnesBecomeOne() {
        List<RowSetShape> small = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            small.add(shape(i, 10 * i, 10 * i + 5, MIB, 0));
        }
        assertEquals(10, MergePolicy.choose(small, BUDGET).fileIds().size());
    }

    /** KUDU-3734: rowsets were chosen by their bytes on disk alone, and their merge did not fit in memory. */
    @Test
    void rowsThatDoNotFitInMemoryTogetherAreNotChosen() {
        List<RowSetShape> narrow = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            narrow.add(new RowSetShape(i, BUDGET.rowsMax() / 3, MIB, 0, key(0), key(10), List.of(), 0, false));
        }
        assertEquals(3, MergePolicy.choose(narrow, BUDGET).fileIds().size());
        List<RowSetShape> changed = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            changed.add(shape(i, 0, 10, MIB, BUDGET.bytesMax() / 2 - MIB));
        }
        assertEquals(2, MergePolicy.choose(changed, BUDGET).fileIds().size(), "changes count, too");
    }

    @RepeatedTest(10)
    void inTheEndNothingIsLeftToMerge(@Seed SplittableRandom random) {
        List<RowSetShape> shapes = new ArrayList<>();
        for (int i = random.nextInt(1, 60); i > 0; i--) {
            int from = random.nextInt(1000);
            int to = from + random.nextInt(random.nextInt(1, 1000));
            long bytes = random.nextLong(1, 40 * MIB);
            shapes.add(shape(nextId++, from, to, bytes, random.nextInt(3) == 0 ? random.nextLong(bytes) : 0));
        }
        double before = new KeySpace(shapes).height();
        int rounds = 0;
        for (var choice = MergePolicy.choose(shapes, BUDGET);
                !choice.fileIds().isEmpty();
                choice = MergePolicy.choose(shapes, BUDGET)) {
            assertTrue(rounds++ < 1000, "it never ends: " + choice.reason());
            List<Long> chosen = choice.fileIds();
            List<RowSetShape> inputs = shapes.stream()
                    .filter(shape -> chosen.contains(shape.fileId()))
                    .toList();
            assertEquals(chosen.size(), inputs.size());
            long cost = inputs.stream()
                    .mapToLong(shape -> shape.bytes() + shape.changeBytes())
                    .sum();
            assertTrue(cost <= BUDGET.bytesMax(), () -> cost + " bytes");
            shapes.removeAll(inputs);
            MergedLayout.of(
                    inputs,
                    MergedLayout.ROW_SET_BYTES,
                    (from, to, _, bytes) -> shapes.add(shape(nextId++, from, to, bytes, 0)));
        }
        assertTrue(new KeySpace(shapes).height() <= before + 1e-9);
    }
}
