package io.nyala.compaction;

import io.nyala.memory.Check;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Which several rowsets of a tablet are worth merging next: those by which look-ups have to ask the fewest rowsets
 * afterwards, for a limited number of bytes. Pure: the same statistics give the same choice. What one rowset gains by
 * being written again with its changes is {@link CompactionPolicy}'s.
 *
 * <pre>{@code
 *   gain = sum of the widths of the chosen - width of what they cover together     (see KeySpace)
 *        + credit for each but the first that is small
 * }</pre>
 *
 * <p>That is a knapsack for each window of keys, and {@link MergeSearch} says how close to the best choice it comes.
 */
public final class MergePolicy {
    /** Inputs of one merge at most, however much memory there is: each is a scan of its own. */
    public static final int INPUTS_MAX = 32;

    /** Tablets of so many times the bytes of a merge are merged from the least gain on, larger ones from less on. */
    static final double FULL_GAIN_MERGES = 32;

    /** What it is worth that there is one small rowset less, whether or not others overlap it. */
    private static final double SMALL_CREDIT = 0.005;

    private MergePolicy() {}

    /**
     * What one merge may cost.
     *
     * @param bytesMax of all inputs, changes included, if there are several
     * @param rowsMax of all inputs: where each goes is noted in memory
     * @param inputsMax of which each has some hundred KiB of rows in memory
     * @param smallBytes rowsets below it are better merged even if they overlap none
     * @param gainMin less is not worth it, in a tablet of up to {@link #FULL_GAIN_MERGES} times {@code bytesMax}
     * @param changeShareMin a rowset with less beside it, as a share of its bytes, is not written again for the sake of
     *     its changes
     * @param forgottenShareMin a rowset of which less, as a share of its bytes and its changes', is what nobody can
     *     read any more is not written again for its space
     * @param deltas what a merge of delta files of one rowset may cost
     */
    public record Budget(
            long bytesMax,
            long rowsMax,
            int inputsMax,
            long smallBytes,
            double gainMin,
            double changeShareMin,
            double forgottenShareMin,
            CompactionPolicy.Deltas deltas) {
        public Budget {
            Check.inRange("inputs of a merge", inputsMax, 2, INPUTS_MAX);
            Check.that(bytesMax > 0 && rowsMax > 0, "a merge has some bytes and rows");
            Check.that(changeShareMin > 0, "changes that are written again are some");
            Check.that(forgottenShareMin > 0, "space that comes back is some");
        }

        /** For merges that need less memory: half of the inputs and of their bytes, so many times. */
        public Budget halved(int times) {
            return new Budget(
                    Math.max(1, bytesMax >> times),
                    rowsMax, // One rowset that has so many is written again with all of them, or not.
                    Math.max(2, inputsMax >> times),
                    smallBytes,
                    gainMin,
                    changeShareMin,
                    forgottenShareMin,
                    new CompactionPolicy.Deltas(
                            deltas.filesMin(), deltas.filesMax(), Math.max(1, deltas.bytesMax() >> times)));
        }
    }

    /**
     * What to merge, and why.
     *
     * @param fileIds of the chosen rowsets; none if nothing is worth it
     * @param deltaFileIds of delta files of the one that is chosen, if these are merged and it stays as it is
     * @param gain by which the average height becomes less, with all credits; of changes and delta files, see {@link
     *     CompactionPolicy}
     * @param height rowsets that a look-up has to ask now, on average
     * @param reason in words
     * @param isForSpace whether it is for what nobody can read any more, and makes no read faster
     */
    public record Choice(
            List<Long> fileIds,
            List<Long> deltaFileIds,
            double gain,
            double height,
            String reason,
            boolean isForSpace) {
        public Choice {
            fileIds = List.copyOf(fileIds);
            deltaFileIds = List.copyOf(deltaFileIds);
        }

        public Choice(List<Long> fileIds, List<Long> deltaFileIds, double gain, double height, String reason) {
            this(fileIds, deltaFileIds, gain, height, reason, false);
        }

        public Kind kind() {
            if (!deltaFileIds.isEmpty()) {
                return Kind.MINOR;
            }
            return switch (fileIds.size()) {
                case 0 -> Kind.NOTHING;
                case 1 -> Kind.MAJOR;
                default -> Kind.SEVERAL;
            };
        }

        /** What it is for: where no rowsets overlap, several small ones that become one make no read faster. */
        public Lane lane() {
            return isForSpace || (kind() == Kind.SEVERAL && height <= 1 + MergeSearch.ROUNDING)
                    ? Lane.RECLAIM_SPACE
                    : Lane.KEEP_READS_FAST;
        }
    }

    /** What becomes what. */
    public enum Kind {
        NOTHING,
        /** Several rowsets become others. */
        SEVERAL,
        /** One rowset is written again, with its changes: a major delta compaction; or for its space. */
        MAJOR,
        /** Delta files of a rowset become one, and it stays as it is: a minor one. */
        MINOR
    }

    /**
     * A rowset and where it lies.
     *
     * @param from share of the keys before it, as {@link KeySpace} has them
     * @param to share of the keys up to its end
     */
    public record Placed(RowSetShape shape, double from, double to) {
        /** The chance that a look-up has to ask it. */
        public double width() {
            return to - from;
        }
    }

    /** Where rowsets lie along the keys of their tablet, the leftmost first. */
    public static List<Placed> layout(List<RowSetShape> rowSets) {
        KeySpace space = new KeySpace(rowSets);
        return IntStream.range(0, rowSets.size())
                .mapToObj(i -> new Placed(rowSets.get(i), space.from(i), space.to(i)))
                .sorted(Comparator.comparingDouble(Placed::from)
                        .thenComparingDouble(Placed::to)
                        .thenComparingLong(placed -> placed.shape().fileId()))
                .toList();
    }

    /** The best choice of rowsets within the budget, or one that is within what {@link MergeSearch} promises. */
    public static Choice choose(List<RowSetShape> rowSets, Budget budget) {
        return choose(rowSets, new KeySpace(rowSets), budget);
    }

    /** As above, where it is known how they lie. */
    static Choice choose(List<RowSetShape> rowSets, KeySpace space, Budget budget) {
        double gainMin = gainMin(rowSets, budget);
        MergeSearch search = search(rowSets, space, budget, gainMin);
        boolean isWorthIt = search.bestGain() >= gainMin - MergeSearch.ROUNDING;
        return isWorthIt ? several(rowSets, space, search) : nothing(rowSets, space, search, budget, gainMin);
    }

    /**
     * Of a choice with small ones each is worth the credit but the first, of one without none is: whichever is more,
     * with the credit for each and once less, or without any. So there is a search for each of them.
     */
    static MergeSearch search(List<RowSetShape> rowSets, KeySpace space, Budget budget, double gainMin) {
        boolean hasSmall = rowSets.stream().anyMatch(rowSet -> rowSet.bytes() < budget.smallBytes());
        if (!hasSmall) {
            return new MergeSearch(rowSets, space, budget, gainMin, 0).run();
        }
        MergeSearch withCredit = new MergeSearch(rowSets, space, budget, gainMin, SMALL_CREDIT).run();
        double more = Math.max(gainMin, withCredit.bestGain());
        MergeSearch without = new MergeSearch(rowSets, space, budget, more, 0).run();
        MergeSearch best = without.bestGain() > withCredit.bestGain() ? without : withCredit;
        best.alsoMissed(Math.max(withCredit.missed(), without.missed()));
        return best;
    }

    /**
     * A merge moves so many bytes and no more, which are less of a tablet the larger it is, and so is what it can gain:
     * were the least gain the same, rowsets would lie over each other for good, and writers wait for merges that nobody
     * does. So beyond so many bytes the least gain is what each merge has to bring for the bytes that it may move.
     */
    static double gainMin(List<RowSetShape> rowSets, Budget budget) {
        double bytes = 0;
        for (RowSetShape rowSet : rowSets) {
            bytes += rowSet.bytes();
        }
        return budget.gainMin() * Math.min(1, FULL_GAIN_MERGES * budget.bytesMax() / Math.max(1, bytes));
    }

    private static Choice nothing(
            List<RowSetShape> rowSets, KeySpace space, MergeSearch search, Budget budget, double gainMin) {
        double height = space.height();
        return new Choice(
                List.of(),
                List.of(),
                0,
                height,
                String.format(
                        Locale.ROOT,
                        "nothing: %d rowsets, average height %.3f; the best merge within %,d bytes would gain"
                                + " %.4f, and %.4f is the least%s",
                        rowSets.size(),
                        height,
                        budget.bytesMax(),
                        search.bestGain(),
                        gainMin,
                        missed(search)));
    }

    private static Choice several(List<RowSetShape> rowSets, KeySpace space, MergeSearch search) {
        List<Long> fileIds = new ArrayList<>();
        long bytes = 0;
        long changeBytes = 0;
        for (int index : search.best()) {
            RowSetShape rowSet = rowSets.get(index);
            fileIds.add(rowSet.fileId());
            bytes += rowSet.cost();
            changeBytes += rowSet.changeBytes();
        }
        double height = space.height();
        return new Choice(
                fileIds,
                List.of(),
                search.bestGain(),
                height,
                String.format(
                        Locale.ROOT,
                        "%d of %d rowsets, %,d bytes, %,d of them changes: gains %.4f; average height is %.3f%s",
                        fileIds.size(),
                        rowSets.size(),
                        bytes,
                        changeBytes,
                        search.bestGain(),
                        height,
                        missed(search)));
    }

    private static String missed(MergeSearch search) {
        return search.missed() == 0
                ? ""
                : String.format(
                        Locale.ROOT,
                        "; no other gains more than %.4f, which was looked for no further",
                        search.missed());
    }
}
