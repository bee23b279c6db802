package io.nyala.compaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.MergePolicy.Choice;
import io.nyala.compaction.MergePolicy.Kind;
import io.nyala.testkit.Seed;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: whatever a tablet looks like and whatever is flushed to it, in the end no rowset has many delta files or many
 * changes, or it is said why; and no more is written for that than a known multiple of what was flushed.
 * Method: random layouts of a tablet that does what the policy says, until that has enough; bytes are counted.
 */
final class CompactionRoundsTest {
    private static final long KIB = 1 << 10;
    private static final long MIB = 1 << 20;
    private static final CompactionPolicy.Deltas DELTAS = new CompactionPolicy.Deltas(4, 32, 16 * MIB);
    private static final double CHANGE_SHARE_MIN = 0.1;
    private static final MergePolicy.Budget BUDGET = new MergePolicy.Budget(
            128 * MIB, 8 << 20, MergePolicy.INPUTS_MAX, 8 * MIB, 0.01, CHANGE_SHARE_MIN, 0.2, DELTAS);

    /** Sizes of delta files that stay beside each other grow by a factor, from a few KiB to a tenth of a rowset. */
    private static final int FILES_LEFT_MAX = 20;

    /** Each change is written about as often as the number of files goes through 4 and its powers. */
    private static final int MINOR_TIMES_MAX = 10;

    private final PlayedTablet tablet = new PlayedTablet(BUDGET, MergedLayout.ROW_SET_BYTES);
    private SplittableRandom random;
    private long flushedBytes;

    @BeforeEach
    void begin(@Seed SplittableRandom seeded) {
        random = seeded;
    }

    private void add(int from, int to, long bytes) {
        tablet.add(from, to, random.nextLong(1, 1 << 20), bytes);
    }

    /** A delta file beside a rowset. */
    private void flush(int index, long bytes) {
        tablet.flush(index, bytes);
        flushedBytes += bytes;
    }

    /** Does what the policy says until there is nothing more; answers why there is not. */
    private Choice settle() {
        int rounds = 0;
        Choice choice = tablet.choose();
        for (; choice.kind() != Kind.NOTHING; choice = tablet.choose()) {
            String reason = choice.reason();
            assertTrue(rounds++ < 10_000, () -> "it never ends: " + reason);
            apply(choice);
        }
        return choice;
    }

    private void apply(Choice choice) {
        RowSetShape first = tablet.rowSet(choice.fileIds().getFirst());
        assertTrue(choice.kind() != Kind.MAJOR || first.changeShare() >= CHANGE_SHARE_MIN, choice.reason());
        long bytes = tablet.apply(choice);
        boolean isWithinLimits =
                bytes <= DELTAS.bytesMax() && choice.deltaFileIds().size() <= DELTAS.filesMax();
        assertTrue(choice.kind() != Kind.MINOR || isWithinLimits, choice.reason());
    }

    private void assertSettled(Choice nothing) {
        int most = 0;
        for (RowSetShape rowSet : tablet.rowSets()) {
            assertTrue(rowSet.changeShare() < CHANGE_SHARE_MIN, () -> rowSet + " is not written again");
            most = Math.max(most, rowSet.deltaFiles().size());
        }
        int mostFiles = most;
        assertTrue(mostFiles <= FILES_LEFT_MAX, () -> mostFiles + " delta files of a rowset");
        assertEquals(mostFiles >= DELTAS.filesMin(), nothing.reason().contains(" keeps its "), nothing.reason());
        assertTrue(
                tablet.moved(Kind.MINOR) <= MINOR_TIMES_MAX * flushedBytes,
                () -> tablet.moved(Kind.MINOR) + " bytes of delta files were written for " + flushedBytes);
        assertTrue(
                tablet.moved(Kind.MAJOR) <= flushedBytes * (1 + 1 / CHANGE_SHARE_MIN),
                () -> tablet.moved(Kind.MAJOR) + " bytes of rowsets were written for " + flushedBytes);
    }

    @RepeatedTest(8)
    void anyLayoutSettles() {
        for (int i = random.nextInt(1, 40); i > 0; i--) {
            int from = random.nextInt(1000);
            add(from, from + random.nextInt(random.nextInt(1, 1000)), random.nextLong(1, 40 * MIB));
            for (int file = random.nextInt(random.nextInt(1, 60)); file > 0; file--) {
                flush(tablet.rowSets().size() - 1, random.nextLong(1, KIB << random.nextInt(14)));
            }
        }
        assertSettled(settle());
    }

    /** Changes come to all rowsets with each flush, or to one more than to others. */
    @RepeatedTest(4)
    void whatIsFlushedAllTheTimeSettlesAllTheTime() {
        int count = random.nextInt(1, 20);
        for (int i = 0; i < count; i++) {
            add(10 * i, 10 * i + 5, 32 * MIB);
        }
        int hot = random.nextInt(count);
        for (int round = 0; round < 40; round++) {
            for (int i = 0; i < tablet.rowSets().size(); i++) {
                flush(i, random.nextLong(KIB, i == hot ? MIB : 40 * KIB));
            }
            assertSettled(settle());
        }
    }

    @Test
    void threeHundredRowSetsSettle() {
        for (int i = 0; i < 300; i++) {
            add(10 * i, 10 * i + 5, 32 * MIB);
            boolean isChanged = i % 10 == 0;
            for (int file = 0; isChanged && file < 10; file++) {
                flush(i, i % 20 == 0 ? 400 * KIB : 20 * KIB);
            }
        }
        Choice nothing = settle();
        assertSettled(nothing);
        assertTrue(
                tablet.rowSets().stream().allMatch(rowSet -> rowSet.deltaFiles().size() <= 1), nothing.reason());
        assertEquals(15 * (32 * MIB + 4_000 * KIB), tablet.moved(Kind.MAJOR));
    }
}
