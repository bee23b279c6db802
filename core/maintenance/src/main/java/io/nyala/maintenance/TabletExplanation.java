package io.nyala.maintenance;

import io.nyala.compaction.MergePolicy;
import java.util.List;

/**
 * Why rowsets of a tablet are merged, or are not: what the policy sees, what was chosen, and what is done about it.
 * Immutable.
 *
 * @param tabletId unique in its engine
 * @param rowSets where they lie along the tablet's keys, the leftmost first
 * @param height rowsets that a look-up of a key has to ask on average, 1 where none overlap
 * @param choice what is being merged by itself, or will be next, and why
 * @param plan whether and when that is done, in words
 */
public record TabletExplanation(
        long tabletId, List<MergePolicy.Placed> rowSets, double height, MergePolicy.Choice choice, String plan) {
    public TabletExplanation {
        rowSets = List.copyOf(rowSets);
    }
}
