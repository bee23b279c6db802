package io.nyala.maintenance;

import io.nyala.compaction.MergePolicy;
import io.nyala.tablet.Merging;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletView;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * What maintenance does in a tablet by and by, for somebody who asks for it: merges, one after the other, until nothing
 * is left to do, or to try. Thread-safe.
 */
public final class TabletUpkeep {
    /** Merges that {@link #compact} does: who writes meanwhile could keep it busy for ever. */
    private static final int COMPACTION_MERGES_MAX = 1000;

    /** How often {@link #vacuum} looks for rowsets, where others merge them meanwhile. */
    private static final int VACUUM_PASSES_MAX = 3;

    private final Maintenance maintenance;
    private final Tablet tablet;

    public TabletUpkeep(Maintenance maintenance, Tablet tablet) {
        this.maintenance = maintenance;
        this.tablet = tablet;
    }

    /**
     * Rowsets that are as they were, though they were to be merged.
     *
     * @param rowSets their files
     * @param reason why, and what to do
     */
    public record Left(long tabletId, List<Long> rowSets, String reason) {
        public Left {
            rowSets = List.copyOf(rowSets);
        }

        @Override
        public String toString() {
            return "rowsets " + rowSets + " of tablet " + tabletId + " were left as they are: " + reason;
        }
    }

    /** Merges until nothing more is worth it; answers what should have been merged and was not. */
    public CompletableFuture<List<Left>> compact() {
        return compact(List.of(), List.of(), COMPACTION_MERGES_MAX);
    }

    /**
     * @param refused what could not be merged, since it was being merged by itself, or may not be just now
     * @param left what cannot be, whatever is tried, with others of which that is true
     */
    private CompletableFuture<List<Left>> compact(List<Long> refused, List<Left> left, int mergesMax) {
        MergePolicy.Choice choice = maintenance.choose(tablet);
        List<Long> chosen = choice.fileIds();
        if (chosen.isEmpty()) {
            return CompletableFuture.completedFuture(left);
        }
        if (mergesMax == 0) {
            return CompletableFuture.completedFuture(with(
                    left,
                    chosen,
                    COMPACTION_MERGES_MAX + " merges were done, and rows are written as fast as they are merged; try"
                            + " again when less is written"));
        }
        if (chosen.equals(refused)) {
            return CompletableFuture.completedFuture(with(left, chosen, whyRefused()));
        }
        CompletableFuture<Boolean> merged = maintenance.merge(tablet, choice);
        return merged.thenCompose(isMerged -> compact(isMerged ? List.of() : chosen, left, mergesMax - 1))
                .exceptionallyCompose(failure -> {
                    if (merged.isCompletedExceptionally()
                            && merged.exceptionNow() instanceof Merging.KeptApartException kept) {
                        String reason = Objects.requireNonNull(kept.getMessage(), "it says which row");
                        List<Left> more = with(left, List.of(kept.fileId()), reason);
                        return compact(List.of(), more, mergesMax - 1); // Others are merged without it.
                    }
                    return CompletableFuture.failedFuture(failure);
                });
    }

    /**
     * Raises the history mark to what is visible, and writes each rowset anew that has a past; answers which have kept
     * something from before it.
     */
    public CompletableFuture<List<Left>> vacuum() {
        long mark = tablet.time().history().raise(tablet.visible());
        return vacuum(TabletView.withPast(tablet), mark, VACUUM_PASSES_MAX);
    }

    /** Merges that were under way may have kept something, and leave other rowsets behind than there were. */
    private CompletableFuture<List<Left>> vacuum(List<Long> rowSets, long mark, int passesMax) {
        List<Long> refused = new ArrayList<>();
        CompletableFuture<Void> all = CompletableFuture.completedFuture(null);
        for (long fileId : rowSets) {
            all = all.thenCompose(_ -> maintenance.merge(tablet, List.of(fileId)))
                    .thenAccept(isMerged -> {
                        if (!isMerged) {
                            refused.add(fileId);
                        }
                    });
        }
        return all.thenCompose(_ -> {
            List<Long> kept = TabletView.withPast(tablet).stream()
                    .filter(fileId -> refused.contains(fileId) || TabletView.isForgettable(tablet, fileId, mark))
                    .toList();
            return kept.isEmpty() || passesMax == 1
                    ? CompletableFuture.completedFuture(with(List.of(), kept, whyRefused()))
                    : vacuum(kept, mark, passesMax - 1);
        });
    }

    private List<Left> with(List<Left> before, List<Long> rowSets, String reason) {
        List<Left> all = new ArrayList<>(before);
        if (!rowSets.isEmpty()) {
            all.add(new Left(tablet.id(), rowSets, reason));
        }
        return List.copyOf(all);
    }

    private String whyRefused() {
        return tablet.merging().isPaused()
                ? "the columns of the table are being changed; try again when they are"
                : "maintenance merges them by itself just now, or the table was changed or dropped meanwhile; try again"
                        + " later, or look with `nyala explain` what is done";
    }
}
