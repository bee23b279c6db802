package io.nyala.compaction;

import io.nyala.memory.Check;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.PriorityQueue;
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
 * <p>For each rowset as the leftmost of a choice those to its right are taken by where they end, and whenever the
 * budget is exceeded, the one with the least gain for its bytes is left out: the greedy solution of a knapsack.
 */
public final class MergePolicy {
    /** Rowsets that are looked at; of more the smallest, which are cheapest to merge. A choice costs its square. */
    static final int ROWSETS_MAX = 512;

    /** Inputs of one merge at most, however much memory there is: each is a scan of its own. */
    public static final int INPUTS_MAX = 32;

    /** What it is worth that there is one small rowset less, whether or not others overlap it. */
    private static final double SMALL_CREDIT = 0.005;

    /** Gains that differ by less are equal, and then the cheaper choice is the better one. */
    private static final double ROUNDING = 1e-9;

    private MergePolicy() {}

    /**
     * What one merge may cost.
     *
     * @param bytesMax of all inputs, changes included, if there are several
     * @param rowsMax of all inputs: where each goes is noted in memory
     * @param inputsMax of which each has some hundred KiB of rows in memory
     * @param smallBytes rowsets below it are better merged even if they overlap none
     * @param gainMin less is not worth it
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
            return isForSpace || (kind() == Kind.SEVERAL && height <= 1 + ROUNDING)
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

    /** The best choice of rowsets within the budget. */
    public static Choice choose(List<RowSetShape> all, Budget budget) {
        List<RowSetShape> rowSets = all.stream()
                .sorted(Comparator.comparingLong(RowSetShape::bytes).thenComparingLong(RowSetShape::fileId))
                .limit(ROWSETS_MAX)
                .toList();
        KeySpace space = new KeySpace(rowSets);
        List<Integer> byEnd = IntStream.range(0, rowSets.size())
                .boxed()
                .sorted(Comparator.comparingDouble(space::to))
                .toList();
        Search search = new Search(rowSets, space, budget);
        for (int left = 0; left < rowSets.size(); left++) {
            search.from(left, byEnd);
        }
        return search.choice();
    }

    /** One search; of one thread. */
    private static final class Search {
        private final List<RowSetShape> rowSets;
        private final KeySpace space;
        private final Budget budget;
        private List<Integer> best = List.of();
        private double bestGain;
        private long bestBytes;

        Search(List<RowSetShape> rowSets, KeySpace space, Budget budget) {
            this.rowSets = rowSets;
            this.space = space;
            this.budget = budget;
        }

        private double worth(int rowSet) {
            double small = rowSets.get(rowSet).bytes() < budget.smallBytes() ? SMALL_CREDIT : 0;
            return space.width(rowSet) + small;
        }

        /** All choices whose leftmost rowset is {@code left}. */
        void from(int left, List<Integer> byEnd) {
            PriorityQueue<Integer> chosen = new PriorityQueue<>(Comparator.comparingDouble(
                    rowSet -> worth(rowSet) / Math.max(1, rowSets.get(rowSet).cost())));
            long bytes = 0;
            long rows = 0;
            double worth = 0;
            double end = space.to(left);
            for (int next : byEnd) {
                if (space.from(next) < space.from(left)) {
                    continue;
                }
                chosen.add(next);
                bytes += rowSets.get(next).cost();
                rows += rowSets.get(next).rowCount();
                worth += worth(next);
                end = Math.max(end, space.to(next));
                while (bytes > budget.bytesMax() || rows > budget.rowsMax() || chosen.size() > budget.inputsMax()) {
                    int out = chosen.remove();
                    bytes -= rowSets.get(out).cost();
                    rows -= rowSets.get(out).rowCount();
                    worth -= worth(out);
                }
                double gain = worth - (end - space.from(left)) - SMALL_CREDIT;
                boolean isBetter = gain > bestGain + ROUNDING || (gain > bestGain - ROUNDING && bytes < bestBytes);
                if (chosen.size() > 1 && gain > 0 && isBetter) {
                    bestGain = gain;
                    bestBytes = bytes;
                    best = List.copyOf(chosen);
                }
            }
        }

        Choice choice() {
            double height = space.height();
            if (best.isEmpty() || bestGain < budget.gainMin()) {
                return new Choice(
                        List.of(),
                        List.of(),
                        0,
                        height,
                        String.format(
                                Locale.ROOT,
                                "nothing: %d rowsets, average height %.3f; the best merge within %,d bytes would gain"
                                        + " %.4f, and %.4f is the least",
                                rowSets.size(),
                                height,
                                budget.bytesMax(),
                                bestGain,
                                budget.gainMin()));
            }
            List<RowSetShape> chosen = new ArrayList<>();
            best.stream().sorted().forEach(rowSet -> chosen.add(rowSets.get(rowSet)));
            long bytes = chosen.stream().mapToLong(RowSetShape::cost).sum();
            long changeBytes =
                    chosen.stream().mapToLong(RowSetShape::changeBytes).sum();
            return new Choice(
                    chosen.stream().map(RowSetShape::fileId).toList(),
                    List.of(),
                    bestGain,
                    height,
                    String.format(
                            Locale.ROOT,
                            "%d of %d rowsets, %,d bytes, %,d of them changes: gains %.4f; average height is %.3f",
                            chosen.size(),
                            rowSets.size(),
                            bytes,
                            changeBytes,
                            bestGain,
                            height));
        }
    }
}
