package io.nyala.compaction;

import io.nyala.compaction.MergePolicy.Choice;
import io.nyala.compaction.RowSetShape.DeltaFileShape;
import io.nyala.memory.Check;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What is worth doing next for the rowsets of a tablet: merging some ({@link MergePolicy}), writing one again with its
 * changes, or for the space of what nobody can read any more, or making one of several delta files of one. Pure: the
 * same statistics give the same choice.
 *
 * <pre>{@code
 *   what                                           from when on                  gain
 *   merge of several rowsets                       gainMin                       see MergePolicy
 *   one written again: a major delta compaction    changes >= changeShareMin     changes, in sizes of the rowset
 *   one written again for its space                forgotten >= forgottenShareMin  forgotten, as a share of all of it
 *   delta files of one become one: a minor one     filesMin that are alike       its delta files but one, / 32
 * }</pre>
 *
 * <p>The gain of a merge is that of an average look-up, those of the others are of look-ups and scans in that one
 * rowset: however many rowsets there are beside it, each has few delta files and few changes, or is next. The gains of
 * both grow for as long as nothing is done, so that neither waits for the other for ever, nor for merges.
 *
 * <p>Files are chosen from the newest on, as long as the next older one is not much larger than all that were chosen:
 * a file is written again only with about as much as it has itself, so each change is written some few times,
 * whatever number of files there are in the end.
 */
public final class CompactionPolicy {
    /** Delta files that cost a look-up in their rowset as much as one more rowset. */
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

    /** The best of {@link #choices}. */
    public static Choice choose(List<RowSetShape> rowSets, MergePolicy.Budget budget) {
        return choices(rowSets, budget).getFirst();
    }

    /**
     * What is worth it, and how much there is of it altogether.
     *
     * @param choices the best of each kind, in the order of their gains; or a choice of nothing that says why
     * @param load rowsets that a look-up has to ask on average, where one with many delta files, or about as many
     *     changes as it has bytes, counts for more than one: in the same measure as the gains of merges
     */
    public record Look(List<Choice> choices, double load) {
        public Look {
            choices = List.copyOf(choices);
        }
    }

    public static Look look(List<RowSetShape> rowSets, MergePolicy.Budget budget) {
        KeySpace space = new KeySpace(rowSets);
        return new Look(choices(rowSets, space, budget), load(rowSets, space));
    }

    private static double load(List<RowSetShape> rowSets, KeySpace space) {
        double sum = 0;
        for (int i = 0; i < rowSets.size(); i++) {
            RowSetShape rowSet = rowSets.get(i);
            double files = rowSet.deltaFiles().size() / FILES_LIKE_A_ROWSET;
            sum += space.width(i) * (1 + files + Math.min(1, rowSet.changeShare()));
        }
        return sum;
    }

    /** The choices of {@link #look}. */
    public static List<Choice> choices(List<RowSetShape> rowSets, MergePolicy.Budget budget) {
        return choices(rowSets, new KeySpace(rowSets), budget);
    }

    private static List<Choice> choices(List<RowSetShape> rowSets, KeySpace space, MergePolicy.Budget budget) {
        Choice ofSeveral = MergePolicy.choose(rowSets, space, budget);
        List<Choice> choices = new ArrayList<>();
        if (!ofSeveral.fileIds().isEmpty()) {
            choices.add(ofSeveral);
        }
        major(rowSets, ofSeveral.height(), budget).ifPresent(choices::add);
        reclaim(rowSets, ofSeveral.height(), budget).ifPresent(choices::add);
        minor(rowSets, ofSeveral.height(), budget).ifPresent(choices::add);
        if (choices.isEmpty()) {
            return List.of(nothing(ofSeveral, rowSets, budget));
        }
        choices.sort(Comparator.comparingDouble(Choice::gain).reversed());
        return List.copyOf(choices);
    }

    /**
     * The rowset that has changed most, if it is to be written again. However many bytes it has: with each change more,
     * it would only become dearer.
     */
    private static Optional<Choice> major(List<RowSetShape> rowSets, double height, MergePolicy.Budget budget) {
        return rowSets.stream()
                .filter(rowSet -> rowSet.isMuchChanged(budget) && rowSet.isWritable(budget))
                .max(Comparator.comparingDouble(RowSetShape::changeShare))
                .map(rowSet -> new Choice(
                        List.of(rowSet.fileId()),
                        List.of(),
                        rowSet.changeShare(),
                        height,
                        String.format(
                                Locale.ROOT,
                                "rowset %d, %,d bytes, is written again, a major delta compaction: gains %.4f; changes"
                                        + " are %.1f %% of it, and %.0f %% are enough",
                                rowSet.fileId(),
                                rowSet.bytes(),
                                rowSet.changeShare(),
                                100 * rowSet.changeShare(),
                                100 * budget.changeShareMin())));
    }

    /**
     * The rowset of which most cannot be read any more, if it is to be written again without that. Afterwards it has
     * none, and it is not written again before the tablet's mark has passed what came since.
     */
    private static Optional<Choice> reclaim(List<RowSetShape> rowSets, double height, MergePolicy.Budget budget) {
        return rowSets.stream()
                .filter(rowSet -> rowSet.isMuchForgotten(budget) && rowSet.isWritable(budget))
                .max(Comparator.comparingDouble(RowSetShape::forgottenShare))
                .map(rowSet -> new Choice(
                        List.of(rowSet.fileId()),
                        List.of(),
                        rowSet.forgottenShare(),
                        height,
                        String.format(
                                Locale.ROOT,
                                "rowset %d, %,d bytes, is written again for its space: gains %.4f; about %,d bytes of"
                                        + " it and its changes, %.1f %%, are deleted rows and history that nobody can"
                                        + " read any more, and %.0f %% are enough",
                                rowSet.fileId(),
                                rowSet.bytes(),
                                rowSet.forgottenShare(),
                                rowSet.forgottenBytes(),
                                100 * rowSet.forgottenShare(),
                                100 * budget.forgottenShareMin()),
                        true));
    }

    /** Delta files of the rowset that has most of them. */
    private static Optional<Choice> minor(List<RowSetShape> rowSets, double height, MergePolicy.Budget budget) {
        RowSetShape most = null;
        List<DeltaFileShape> chosen = List.of();
        for (RowSetShape rowSet : rowSets) {
            if (most == null || rowSet.deltaFiles().size() > most.deltaFiles().size()) {
                List<DeltaFileShape> run = run(rowSet.deltaFiles(), budget.deltas());
                most = run.isEmpty() ? most : rowSet;
                chosen = run.isEmpty() ? chosen : run;
            }
        }
        return most == null ? Optional.empty() : Optional.of(minor(most, chosen, height, budget));
    }

    private static Choice minor(
            RowSetShape rowSet, List<DeltaFileShape> chosen, double height, MergePolicy.Budget budget) {
        double gain = (rowSet.deltaFiles().size() - 1) / FILES_LIKE_A_ROWSET;
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
                        100 * rowSet.changeShare(),
                        100 * budget.changeShareMin()));
    }

    /** Nothing is worth it: also why what looks as if it were is not. */
    private static Choice nothing(Choice ofSeveral, List<RowSetShape> rowSets, MergePolicy.Budget budget) {
        String changed = rowSets.stream()
                .filter(rowSet -> rowSet.isMuchChanged(budget))
                .max(Comparator.comparingDouble(RowSetShape::changeShare))
                .map(rowSet -> rowSet.isApart()
                        ? String.format(
                                Locale.ROOT,
                                "; changes are %.1f %% of rowset %d, which is not written again: a row has more history"
                                        + " than a merge may have in memory; let the table keep less, or vacuum it",
                                100 * rowSet.changeShare(),
                                rowSet.fileId())
                        : String.format(
                                Locale.ROOT,
                                "; changes are %.1f %% of rowset %d, which is not written again: it has %,d rows, and"
                                        + " a merge notes where each goes, of at most %,d",
                                100 * rowSet.changeShare(),
                                rowSet.fileId(),
                                rowSet.rowCount(),
                                budget.rowsMax()))
                .orElse("");
        Deltas deltas = budget.deltas();
        String files = rowSets.stream()
                .filter(rowSet -> rowSet.deltaFiles().size() >= deltas.filesMin())
                .max(Comparator.comparingInt(rowSet -> rowSet.deltaFiles().size()))
                .map(rowSet -> String.format(
                        Locale.ROOT,
                        "; rowset %d keeps its %d delta files, since no %d of them, one behind another, are alike and"
                                + " at most %,d bytes",
                        rowSet.fileId(),
                        rowSet.deltaFiles().size(),
                        deltas.filesMin(),
                        deltas.bytesMax()))
                .orElse("");
        return new Choice(List.of(), List.of(), 0, ofSeveral.height(), ofSeveral.reason() + changed + files);
    }

    /** The newest files that are worth it and fit; none if there are too few of them. */
    private static List<DeltaFileShape> run(List<DeltaFileShape> files, Deltas budget) {
        List<DeltaFileShape> best = List.of();
        // Behind a file that is too large there may be small ones: each end is tried, the newest first.
        for (int end = files.size(); end >= budget.filesMin(); end--) {
            int first = first(files, end, budget);
            if (end - first > best.size()) {
                best = files.subList(first, end);
            }
        }
        return best.size() < budget.filesMin() ? List.of() : best;
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
}
