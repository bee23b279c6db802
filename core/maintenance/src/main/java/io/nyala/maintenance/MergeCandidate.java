package io.nyala.maintenance;

import io.nyala.compaction.CompactionPolicy;
import io.nyala.compaction.MergePolicy;
import io.nyala.compaction.RowSetShape;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletView;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What is worth merging in one tablet, and from when on it may be. The worker's, but for {@link #failure} and {@link
 * #plan}.
 *
 * <pre>{@code
 *   flushed: young ------ youngMicros ------> due     A merge that gains much is due at once, one of delta files too,
 *                                                     and each after delayMicrosMax, however often the tablet is
 *                                                     flushed meanwhile.
 *   failed:  backs off -- twice as long each time --> due, whatever else
 * }</pre>
 */
final class MergeCandidate {
    /** After the first failure; what it was for has most likely not passed before. */
    static final long BACK_OFF_MICROS_MIN = 10_000_000;

    /** A merge that fails costs as much as one that does not. */
    static final long BACK_OFF_MICROS_MAX = 600_000_000;

    private static final long NEVER_LOOKED = -1;
    private static final long NOT_WAITING = -1;

    private final AttachedTablet attached;
    private long lookedAtVersion = NEVER_LOOKED;
    private volatile MergePolicy.@Nullable Choice choice; // Null if nothing is worth it.
    private volatile long youngUntil;
    private volatile long waitsSince = NOT_WAITING; // For a merge of rowsets.
    private volatile long backsOffUntil;
    private long backOffMicros;
    private volatile double weight;
    private volatile @Nullable RuntimeException failure;

    MergeCandidate(AttachedTablet attached) {
        this.attached = attached;
    }

    AttachedTablet attached() {
        return attached;
    }

    Tablet tablet() {
        return attached.tablet();
    }

    /** Rows were flushed, and more may come. */
    void flushed(long now, MergeSettings settings) {
        youngUntil = now + settings.youngMicros();
    }

    /** Asks the policy, if anything has moved since it was asked last; answers whether it did. */
    boolean look(long now, double newWeight, MergeSettings settings) {
        weight = newWeight;
        long version = TabletView.mapVersion(tablet());
        if (version == lookedAtVersion) {
            return false;
        }
        lookedAtVersion = version;
        List<RowSetShape> shapes = TabletView.shapes(tablet());
        MergePolicy.Choice ofRowSets = MergePolicy.choose(shapes, settings.budget());
        boolean isAny = !ofRowSets.fileIds().isEmpty();
        if (!isAny) {
            waitsSince = NOT_WAITING;
        } else if (waitsSince == NOT_WAITING) {
            waitsSince = now;
        }
        // While rowsets have to wait, delta files need not: the tablet may be flushed, and wait, for long.
        boolean isDue = isAny && microsLeft(ofRowSets, now, settings) == 0;
        MergePolicy.Choice best = CompactionPolicy.chooseDeltaFiles(shapes, settings.budget())
                .filter(ofDeltas -> !isDue || ofDeltas.gain() > ofRowSets.gain())
                .orElse(ofRowSets);
        choice = best.fileIds().isEmpty() ? null : best;
        return true;
    }

    /** Whether there is something to merge, now or later. */
    boolean isWanted() {
        return choice != null && weight > 0;
    }

    /** The higher, the sooner. */
    double score() {
        return choice().gain() * weight;
    }

    MergePolicy.Choice choice() {
        MergePolicy.Choice present = choice;
        if (present == null) {
            throw new IllegalStateException("nothing is to be merged in tablet " + tablet().id());
        }
        return present;
    }

    /** How long it has to wait; not at all, if that is longer than it can be: the clock was set back. */
    long microsLeft(long now, MergeSettings settings) {
        return microsLeft(choice(), now, settings);
    }

    private long microsLeft(MergePolicy.Choice merge, long now, MergeSettings settings) {
        long left = dueAt(merge, settings) - now;
        return left <= Math.max(settings.delayMicrosMax(), BACK_OFF_MICROS_MAX) ? Math.max(0, left) : 0;
    }

    private long dueAt(MergePolicy.Choice merge, MergeSettings settings) {
        // What is flushed next lies behind delta files that are merged now, but over rowsets.
        boolean isAtOnce = merge.isOfDeltaFiles() || merge.gain() >= settings.youngGainMin();
        long ripe = isAtOnce || waitsSince == NOT_WAITING
                ? 0
                : Math.min(youngUntil, waitsSince + settings.delayMicrosMax());
        return Math.max(ripe, backsOffUntil);
    }

    /** It is under way; when it is over, there is something else to be merged, or nothing. */
    void begins() {
        if (!choice().isOfDeltaFiles()) {
            waitsSince = NOT_WAITING;
        }
        choice = null;
        lookedAtVersion = NEVER_LOOKED;
    }

    void succeeded() {
        backOffMicros = 0;
        failure = null;
    }

    void failed(RuntimeException reason, long now) {
        backOffMicros = Math.clamp(2 * backOffMicros, BACK_OFF_MICROS_MIN, BACK_OFF_MICROS_MAX);
        backsOffUntil = now + backOffMicros;
        failure = reason;
    }

    /** It could not begin, because somebody else has the rowsets just now. */
    void isRefused(long now) {
        backsOffUntil = now + BACK_OFF_MICROS_MIN;
    }

    /** Why the last one failed, if no other has come about since. Any thread. */
    Optional<RuntimeException> failure() {
        return Optional.ofNullable(failure);
    }

    /** What is done about it, and when, in words. Any thread. */
    String plan(MergeSettings settings, long now) {
        Optional<String> running = tablet().merging().describe();
        if (running.isPresent()) {
            return "under way: " + running.get();
        }
        if (!settings.isAutomatic()) {
            return "nothing is merged unless somebody asks for it, since automaticMerges is off";
        }
        MergePolicy.Choice present = choice;
        if (present == null) {
            return "nothing is to be done";
        }
        if (weight == 0) {
            return "nothing is merged unless somebody asks for it, since the settings of the table say so";
        }
        long millis = TimeUnit.MICROSECONDS.toMillis(microsLeft(present, now, settings));
        RuntimeException failed = failure;
        if (millis <= 0) {
            return "merged when the worker comes to it";
        }
        if (failed != null && backsOffUntil > now) {
            return String.format(
                    Locale.ROOT, "tried again in %,d ms, since the last merge failed: %s", millis, failed.getMessage());
        }
        return String.format(
                Locale.ROOT, "merged in %,d ms, unless more is flushed before, which would overlap it", millis);
    }
}
