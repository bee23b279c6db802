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

    private SplittableRandom random;
    private final List<RowSetShape> rowSets = new ArrayList<>();
    private long nextId = 1;
    private long flushedBytes;
    private long minorBytes;
    private long majorBytes;

    @BeforeEach
    void begin(@Seed SplittableRandom seeded) {
        random = seeded;
    }

    private void add(int from, int to, long bytes) {
        rowSets.add(new RowSetShape(
                nextId++, random.nextLong(1, 1 << 20), bytes, 0, key(from), key(to), List.of(), 0, false));
    }

    /** A delta file beside a rowset. */
    private void flush(int index, long bytes) {
        RowSetShape rowSet = rowSets.get(index);
        List<DeltaFileShape> files = new ArrayList<>(rowSet.deltaFiles());
        files.add(new DeltaFileShape(nextId++, bytes));
        rowSets.set(index, with(rowSet, rowSet.changeBytes() + bytes, files));
        flushedBytes += bytes;
    }

    private static RowSetShape with(RowSetShape rowSet, long changeBytes, List<DeltaFileShape> files) {
        return new RowSetShape(
                rowSet.fileId(),
                rowSet.rowCount(),
                rowSet.bytes(),
                changeBytes,
                rowSet.minKey(),
                rowSet.maxKey(),
                files,
                0,
                false);
    }

    private RowSetShape rowSet(long fileId) {
        return rowSets.stream()
                .filter(each -> each.fileId() == fileId)
                .findFirst()
                .orElseThrow();
    }

    /** Does what the policy says until there is nothing more; answers why there is not. */
    private Choice settle() {
        int rounds = 0;
        Choice choice = CompactionPolicy.choose(rowSets, BUDGET);
        for (; choice.kind() != Kind.NOTHING; choice = CompactionPolicy.choose(rowSets, BUDGET)) {
            String reason = choice.reason();
            assertTrue(rounds++ < 10_000, () -> "it never ends: " + reason);
            apply(choice);
        }
        return choice;
    }

    private void apply(Choice choice) {
        RowSetShape first = rowSet(choice.fileIds().getFirst());
        switch (choice.kind()) {
            case NOTHING -> throw new AssertionError(choice.reason());
            case SEVERAL -> {
                List<RowSetShape> inputs =
                        choice.fileIds().stream().map(this::rowSet).toList();
                rowSets.removeAll(inputs);
                MergedLayout.of(inputs, this::add); // Without changes.
            }
            case MAJOR -> {
                assertTrue(first.changeShare() >= CHANGE_SHARE_MIN, choice.reason());
                majorBytes += first.cost();
                rowSets.set(rowSets.indexOf(first), with(first, 0, List.of()));
            }
            case MINOR -> {
                List<DeltaFileShape> files = new ArrayList<>(first.deltaFiles());
                int at = files.stream()
                        .map(DeltaFileShape::fileId)
                        .toList()
                        .indexOf(choice.deltaFileIds().getFirst());
                List<DeltaFileShape> inputs =
                        files.subList(at, at + choice.deltaFileIds().size());
                assertEquals(
                        choice.deltaFileIds(),
                        inputs.stream().map(DeltaFileShape::fileId).toList());
                long bytes = inputs.stream().mapToLong(DeltaFileShape::bytes).sum();
                assertTrue(bytes <= DELTAS.bytesMax() && inputs.size() <= DELTAS.filesMax(), choice.reason());
                minorBytes += bytes;
                inputs.clear();
                files.add(at, new DeltaFileShape(nextId++, bytes));
                rowSets.set(rowSets.indexOf(first), with(first, first.changeBytes(), files));
            }
        }
    }

    private void assertSettled(Choice nothing) {
        int most = 0;
        for (RowSetShape rowSet : rowSets) {
            assertTrue(rowSet.changeShare() < CHANGE_SHARE_MIN, () -> rowSet + " is not written again");
            most = Math.max(most, rowSet.deltaFiles().size());
        }
        int mostFiles = most;
        assertTrue(mostFiles <= FILES_LEFT_MAX, () -> mostFiles + " delta files of a rowset");
        assertEquals(mostFiles >= DELTAS.filesMin(), nothing.reason().contains(" keeps its "), nothing.reason());
        assertTrue(
                minorBytes <= MINOR_TIMES_MAX * flushedBytes,
                () -> minorBytes + " bytes of delta files were written for " + flushedBytes);
        assertTrue(
                majorBytes <= flushedBytes * (1 + 1 / CHANGE_SHARE_MIN),
                () -> majorBytes + " bytes of rowsets were written for " + flushedBytes);
    }

    @RepeatedTest(8)
    void anyLayoutSettles() {
        for (int i = random.nextInt(1, 40); i > 0; i--) {
            int from = random.nextInt(1000);
            add(from, from + random.nextInt(random.nextInt(1, 1000)), random.nextLong(1, 40 * MIB));
            for (int file = random.nextInt(random.nextInt(1, 60)); file > 0; file--) {
                flush(rowSets.size() - 1, random.nextLong(1, KIB << random.nextInt(14)));
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
            for (int i = 0; i < rowSets.size(); i++) {
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
        assertTrue(rowSets.stream().allMatch(rowSet -> rowSet.deltaFiles().size() <= 1), nothing.reason());
        assertEquals(15 * (32 * MIB + 4_000 * KIB), majorBytes);
    }
}
