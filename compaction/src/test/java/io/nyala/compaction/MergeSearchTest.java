package io.nyala.compaction;

import static io.nyala.compaction.MergedLayout.key;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.MergePolicy.Choice;
import io.nyala.testkit.Seed;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableSet;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: what is chosen gains as much as is promised, of few rowsets and of thousands, wherever it lies.
 * Method: random layouts, all of whose choices are tried; layouts by hand, in which greed leads astray, or where one
 * pile lies among thousands of rowsets.
 */
final class MergeSearchTest {
    private static final long MIB = 1 << 20;
    private static final double SMALL_CREDIT = 0.005;
    private static final MergePolicy.Budget BUDGET = budget(128 * MIB, 8 << 20, MergePolicy.INPUTS_MAX);

    private static MergePolicy.Budget budget(long bytesMax, long rowsMax, int inputsMax) {
        return new MergePolicy.Budget(
                bytesMax, rowsMax, inputsMax, 8 * MIB, 0.01, 0.1, 0.2, new CompactionPolicy.Deltas(4, 32, MIB));
    }

    private static RowSetShape shape(long id, int from, int to, long bytes, long changeBytes) {
        return new RowSetShape(id, 1 + bytes / 100, bytes, changeBytes, key(from), key(to), List.of(), 0, false);
    }

    private static List<RowSetShape> draw(SplittableRandom random, int count) {
        List<RowSetShape> shapes = new ArrayList<>();
        int keys = random.nextInt(1, 200);
        boolean isAlike = random.nextBoolean();
        for (int i = 0; i < count; i++) {
            int from = random.nextInt(keys);
            int to = from + random.nextInt(random.nextInt(1, keys + 1));
            long bytes =
                    isAlike ? random.nextLong(30 * MIB, 34 * MIB) : random.nextLong(1, 1L << random.nextInt(1, 27));
            shapes.add(shape(i, from, to, bytes, random.nextInt(3) == 0 ? random.nextLong(bytes) : 0));
        }
        return shapes;
    }

    private static boolean fits(List<RowSetShape> chosen, MergePolicy.Budget budget) {
        long bytes = chosen.stream().mapToLong(RowSetShape::cost).sum();
        long rows = chosen.stream().mapToLong(RowSetShape::rowCount).sum();
        return bytes <= budget.bytesMax() && rows <= budget.rowsMax() && chosen.size() <= budget.inputsMax();
    }

    /** As the Javadoc of the policy has it. */
    private static double gain(List<RowSetShape> all, KeySpace space, List<RowSetShape> chosen) {
        double begin = 1;
        double end = 0;
        double gain = 0;
        int smallCount = 0;
        for (RowSetShape each : chosen) {
            int index = all.indexOf(each);
            begin = Math.min(begin, space.from(index));
            end = Math.max(end, space.to(index));
            gain += space.width(index);
            smallCount += each.bytes() < 8 * MIB ? 1 : 0;
        }
        return gain - (end - begin) + SMALL_CREDIT * Math.max(0, smallCount - 1);
    }

    /** The bound that {@link MergeSearch} states. */
    @RepeatedTest(40)
    void nothingGainsMoreThanIsPromised(@Seed SplittableRandom random) {
        List<RowSetShape> all = draw(random, random.nextInt(2, 12));
        MergePolicy.Budget budget =
                budget(random.nextLong(MIB, 256 * MIB), random.nextLong(1 << 16, 4 << 20), random.nextInt(2, 33));
        KeySpace space = new KeySpace(all);
        double best = 0;
        for (int set = 0; set < 1 << all.size(); set++) {
            List<RowSetShape> chosen = new ArrayList<>();
            for (int i = 0; i < all.size(); i++) {
                if ((set >>> i & 1) != 0) {
                    chosen.add(all.get(i));
                }
            }
            if (chosen.size() > 1 && fits(chosen, budget)) {
                best = Math.max(best, gain(all, space, chosen));
            }
        }
        double gainMin = MergePolicy.gainMin(all, budget);
        MergeSearch search = MergePolicy.search(all, space, budget, gainMin);
        double promised = Math.max(search.bestGain() * (1 + MergeSearch.TOLERANCE), gainMin);
        double most = best;
        assertTrue(most <= promised + 1e-9, () -> most + " could be gained, not " + search.bestGain());
        assertEquals(0, search.missed(), "of so few, all are looked at");
        Choice choice = MergePolicy.choose(all, budget);
        if (!choice.fileIds().isEmpty()) {
            List<RowSetShape> chosen = all.stream()
                    .filter(each -> choice.fileIds().contains(each.fileId()))
                    .toList();
            assertTrue(fits(chosen, budget), choice.reason());
            assertEquals(gain(all, space, chosen), choice.gain(), 1e-9, choice.reason());
            assertTrue(choice.gain() >= gainMin - 1e-9, choice.reason());
        }
    }

    /** Whoever leaves out what gains least for its bytes, until the rest fits, takes one large one and the small. */
    @Test
    void twoThatFillTheBudgetAreNotLeftOutForSmallOnes() {
        List<RowSetShape> all = new ArrayList<>();
        all.add(shape(1, 0, 100, 32 * MIB, 31 * MIB + MIB / 2));
        all.add(shape(2, 10, 20, MIB, 0));
        all.add(shape(3, 50, 60, MIB, 0));
        all.add(shape(4, 0, 100, 32 * MIB, 31 * MIB + MIB / 2));
        all.add(shape(5, 200, 300, 80 * MIB, 0));
        Choice choice = MergePolicy.choose(all, BUDGET);
        assertTrue(choice.fileIds().containsAll(List.of(1L, 4L)), choice.reason());
        assertTrue(choice.gain() > 0.4, choice.reason());
    }

    /** Only the 512 smallest were looked at, and the larger ones lay over each other for good. */
    @ParameterizedTest
    @CsvSource({"2000, 0.0", "2000, 0.6", "2000, 1.0", "10000, 0.3", "10000, 1.0"})
    void aPileIsFoundWhereverItLies(int count, double place) {
        var random = new SplittableRandom(count);
        List<RowSetShape> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(shape(i, 10 * i, 10 * i + 9, random.nextLong(8 * MIB, 30 * MIB), 0));
        }
        int begin = (int) (10 * count * place);
        Set<Long> pile = new HashSet<>();
        for (int i = 0; i < 4; i++) {
            pile.add((long) count + i);
            all.add(shape(count + i, begin + 1, begin + 8, 31 * MIB, 0));
        }
        all.sort(Comparator.comparingInt(each -> random.split().nextInt()));
        Choice choice = MergePolicy.choose(all, BUDGET);
        Set<Long> chosen = new HashSet<>(choice.fileIds());
        chosen.retainAll(pile);
        assertTrue(chosen.size() >= 3, choice.reason());
    }

    /** The least gain was the same for all: in a large tablet no merge had it, and writers waited for one. */
    @ParameterizedTest
    @ValueSource(ints = {160, 2_000, 10_000})
    void whereAllLieOverEachOtherThereIsSomethingToMerge(int count) {
        List<RowSetShape> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int pile = i / 16 * 100;
            all.add(shape(i, pile + i % 3, pile + 90 + i % 5, 31 * MIB, 0));
        }
        Choice choice = MergePolicy.choose(all, BUDGET);
        assertTrue(choice.height() > 12, choice.reason());
        assertEquals(4, choice.fileIds().size(), choice.reason());
        assertEquals(Lane.KEEP_READS_FAST, choice.lane());
    }

    /** What only touches gains nothing, and costs as much as any other. */
    @Test
    void thoseBesideAreNotTakenAlong() {
        List<RowSetShape> all = List.of(
                shape(1, 0, 10, 32 * MIB, 0),
                shape(2, 11, 20, 32 * MIB, 0),
                shape(3, 21, 30, 32 * MIB, 0),
                shape(4, 21, 30, 32 * MIB, 0));
        Choice choice = MergePolicy.choose(all, BUDGET);
        assertEquals(List.of(3L, 4L), choice.fileIds(), choice.reason());
        assertEquals(0.5, choice.gain(), 1e-9, "none of them is small");
    }

    /** By the definition, piece by piece. */
    @RepeatedTest(10)
    void widthsAreThoseOfThePieces(@Seed SplittableRandom random) {
        List<RowSetShape> all = draw(random, random.nextInt(1, 60));
        TreeSet<Integer> bounds = new TreeSet<>();
        all.forEach(each -> bounds.addAll(List.of(number(each.minKey()), number(each.maxKey()))));
        double sum = all.stream().mapToLong(RowSetShape::bytes).sum();
        KeySpace space = new KeySpace(all);
        for (int i = 0; i < all.size(); i++) {
            double width = 0;
            for (int bound : pieces(bounds, all.get(i))) {
                for (RowSetShape other : all) {
                    Set<Integer> pieces = pieces(bounds, other);
                    width += pieces.contains(bound) ? other.bytes() / sum / pieces.size() : 0;
                }
            }
            assertEquals(width, space.width(i), 1e-9);
        }
    }

    private static Set<Integer> pieces(NavigableSet<Integer> bounds, RowSetShape shape) {
        return bounds.subSet(number(shape.minKey()), true, number(shape.maxKey()), true);
    }

    private static int number(byte[] key) {
        return ByteBuffer.wrap(key).getInt();
    }
}
