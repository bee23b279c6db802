package io.nyala.compaction;

import io.nyala.compaction.MergePolicy.Choice;
import io.nyala.compaction.RowSetShape.DeltaFileShape;
import io.nyala.memory.Check;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What is worth doing next for the rowsets of a tablet: merging some ({@link MergePolicy}), or making one of several
 * delta files of one. Pure: the same statistics give the same choice.
 *
 * <pre>{@code
 *   rowsets overlap                                        merge of several
 *   changes of a rowset are much beside its rows           merge of that one: a major delta compaction
 *   they are not, but lie in many delta files              some of these become one: a minor delta compaction
 * }</pre>
 *
 * <p>Each scan and each look-up that has to ask a rowset asks its delta files too. Of so many of them that it takes as
 * long as another rowset the gain is the width of the rowset ({@link KeySpace}): so it can be held against that of
 * merges. A rowset that is to be written again soon is left to that.
 *
 * <p>Files are chosen from the newest on, as long as the next older one is not much larger than all that were chosen:
 * a file is written again only with about as much as it has itself, so each change is written some few times,
 * whatever number of files there are in the end.
 */
public final class CompactionPolicy {
    /** Delta files that cost a look-up as much as one more rowset. */
    private static final double FILES_LIKE_A_ROWSET = 32;

    /** A file is merged with others if it has at most so many times what they have together. */
    private static final long OTHERS_BYTES_RATIO = 2;

    private CompactionPolicy() {}

    /**
     * What a merge of delta files may cost.
     *
     * @param filesMin fewer are left as they are
     * @param filesMax of which each has some ten KiB in memory
     * @param bytesMax of all of them: what they become is in memory until it is written
     */
    public record Deltas(int filesMin, int filesMax, long bytesMax) {
        public Deltas {
            Check.inRange("delta files that are merged at least", filesMin, 2, filesMax);
            Check.positive("bytes of delta files that are merged", bytesMax);
        }
    }

    /** The best choice within the budget, of rowsets or of delta files of one. */
    public static Choice choose(List<RowSetShape> rowSets, MergePolicy.Budget budget) {
        Choice ofRowSets = MergePolicy.choose(rowSets, budget);
        return chooseDeltaFiles(rowSets, budget)
                .filter(ofDeltas -> ofDeltas.gain() > ofRowSets.gain())
                .orElse(ofRowSets);
    }

    /** The best choice of delta files within the budget, if it is worth it. */
    public static Optional<Choice> chooseDeltaFiles(List<RowSetShape> rowSets, MergePolicy.Budget budget) {
        double allBytes = rowSets.stream().mapToLong(RowSetShape::bytes).sum();
        KeySpace space = null; // Most tablets have few delta files, and need none.
        Choice best = null;
        for (int i = 0; i < rowSets.size(); i++) {
            List<DeltaFileShape> chosen = run(rowSets.get(i), allBytes, budget);
            if (chosen.isEmpty()) {
                continue;
            }
            space = space == null ? new KeySpace(rowSets) : space;
            double gain = space.width(i) * (chosen.size() - 1) / FILES_LIKE_A_ROWSET;
            if (gain >= budget.gainMin() && (best == null || gain > best.gain())) {
                best = choice(rowSets.get(i), chosen, gain, space.height(), budget);
            }
        }
        return Optional.ofNullable(best);
    }

    /** The newest files that are worth it and fit; none if the rowset is left as it is, or is to be written again. */
    private static List<DeltaFileShape> run(RowSetShape rowSet, double allBytes, MergePolicy.Budget budget) {
        List<DeltaFileShape> files = rowSet.deltaFiles();
        boolean isWrittenAgain = rowSet.isMuchChanged(budget)
                && Math.min(rowSet.changeBytes(), rowSet.bytes()) >= budget.gainMin() * allBytes
                && rowSet.cost() <= budget.bytesMax()
                && rowSet.rowCount() <= budget.rowsMax();
        List<DeltaFileShape> best = List.of();
        if (isWrittenAgain || files.size() < budget.deltas().filesMin()) {
            return best;
        }
        // Behind a file that is too large there may be small ones: each end is tried, the newest first.
        for (int end = files.size(); end >= budget.deltas().filesMin(); end--) {
            int first = first(files, end, budget.deltas());
            if (end - first > best.size()) {
                best = files.subList(first, end);
            }
        }
        return best.size() < budget.deltas().filesMin() ? List.of() : best;
    }

    /** Where those begin that are merged with the newest before {@code end}; there, if they are not worth it. */
    private static int first(List<DeltaFileShape> files, int end, Deltas budget) {
        int best = end;
        long bytes = 0;
        long largest = 0;
        for (int first = end - 1; first >= 0 && end - first <= budget.filesMax(); first--) {
            long next = files.get(first).bytes();
            boolean isMuchLarger = bytes > 0 && next > OTHERS_BYTES_RATIO * bytes;
            if (isMuchLarger || bytes + next > budget.bytesMax()) {
                break;
            }
            bytes += next;
            largest = Math.max(largest, next);
            if (largest <= OTHERS_BYTES_RATIO * (bytes - largest)) {
                best = first;
            }
        }
        return best;
    }

    private static Choice choice(
            RowSetShape rowSet, List<DeltaFileShape> chosen, double gain, double height, MergePolicy.Budget budget) {
        return new Choice(
                List.of(rowSet.fileId()),
                chosen.stream().map(DeltaFileShape::fileId).toList(),
                gain,
                height,
                String.format(
                        Locale.ROOT,
                        "%d of %d delta files of rowset %d, %,d bytes, become one, a minor delta compaction: gains"
                                + " %.4f; changes are %.1f %% of the rowset, which is written again from %.0f %% on",
                        chosen.size(),
                        rowSet.deltaFiles().size(),
                        rowSet.fileId(),
                        chosen.stream().mapToLong(DeltaFileShape::bytes).sum(),
                        gain,
                        100.0 * rowSet.changeBytes() / Math.max(1, rowSet.bytes()),
                        100 * budget.changeShareMin()));
    }
}
