package io.nyala.maintenance;

import io.nyala.compaction.Lane;
import io.nyala.compaction.MergePolicy;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Why rowsets of a tablet are merged, or are not: what the policy sees, what was chosen, and what is done about it.
 * Immutable.
 *
 * @param tabletId unique in its engine
 * @param rowSets where they lie along the tablet's keys, the leftmost first
 * @param height rowsets that a look-up of a key has to ask on average, 1 where none overlap
 * @param choice what is being merged by itself, or will be next, and why
 * @param weight how much that counts beside what others choose: 1 is usual, 0 if it is never done by itself
 * @param plan whether and when that is done, in words
 */
public record TabletExplanation(
        long tabletId,
        List<MergePolicy.Placed> rowSets,
        double height,
        MergePolicy.Choice choice,
        double weight,
        String plan) {
    public TabletExplanation {
        rowSets = List.copyOf(rowSets);
    }

    /** What the merge is for, and so what it comes before and behind; empty if nothing is to be merged by itself. */
    public Optional<Lane> lane() {
        return score() > 0 ? Optional.of(choice.lane()) : Optional.empty();
    }

    /** Within its lane the higher, the sooner; 0 if nothing is to be merged by itself. */
    public double score() {
        return choice.kind() == MergePolicy.Kind.NOTHING ? 0 : choice.gain() * weight;
    }

    /** Those in which something is to be merged by itself, by lane and score: each waits for those before it. */
    public static List<TabletExplanation> inOrder(List<TabletExplanation> tablets) {
        return Stream.of(Lane.values())
                .flatMap(lane -> tablets.stream()
                        .filter(tablet -> tablet.lane().equals(Optional.of(lane)))
                        .sorted(Comparator.comparingDouble(TabletExplanation::score)
                                .reversed()))
                .toList();
    }
}
