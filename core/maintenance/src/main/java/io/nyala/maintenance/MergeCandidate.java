package io.nyala.maintenance;

import io.nyala.compaction.CompactionPolicy;
import io.nyala.compaction.MaintenanceScheduler;
import io.nyala.compaction.MergePolicy;
import io.nyala.compaction.MergePolicy.Choice;
import io.nyala.compaction.MergePolicy.Kind;
import io.nyala.compaction.RowSetShape;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryLimitException;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletView;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What is worth merging in one tablet, and from when on it may be. The worker's, but for {@link #failure} and {@link
 * #explain}.
 *
 * <pre>{@code
 *   flushed: young ------ youngMicros ------> due     A merge that gains much is due at once, one of delta files too,
 *                                                     and each after delayMicrosMax, however often the tablet is
 *                                                     flushed meanwhile: a merge of several rowsets, and one that
 *                                                     is written again with its changes, wait each by itself.
 *   failed:  backs off -- twice as long each time --> due, whatever else; for want of memory, a smaller one
 * }</pre>
 */
final class MergeCandidate {
    /** After the first failure; what it was for has most likely not passed before. */
    static final long BACK_OFF_MICROS_MIN = 10_000_000;

    /** The same where it had no memory: about the time in which a flush frees some; and what comes next is smaller. */
    static final long MEMORY_BACK_OFF_MICROS_MIN = 500_000;

    /** Then the most inputs that there may be are two. */
    private static final int HALVINGS_MAX = 4;

    static {
        Check.that(MergePolicy.INPUTS_MAX >> HALVINGS_MAX == 2, "a merge of less than two is none");
    }

    /** After so long without such a failure merges may be of twice as much again, and so on. */
    private static final long SMALLER_MICROS = 60_000_000;

    /** A merge that fails costs as much as one that does not. */
    static final long BACK_OFF_MICROS_MAX = 600_000_000;

    /** Who reads the past may hold the mark for long; after so long it is looked whether anybody does still. */
    static final long HELD_MICROS = 60_000_000;

    private static final long NEVER_LOOKED = -1;
    private static final long NOT_WAITING = -1;

    private final AttachedTablet attached;
    private final MaintenanceScheduler.Slot slot;
    private long lookedAtVersion = NEVER_LOOKED;
    private volatile @Nullable Look looked; // Null once what it found has begun.
    private volatile @Nullable Choice running;
    private volatile long youngUntil;
    private volatile long severalWaitSince = NOT_WAITING;
    private volatile long majorWaitsSince = NOT_WAITING;
    private volatile long backsOffUntil;
    private volatile long lookAgainAt = Long.MAX_VALUE;
    private long backOffMicros;
    private volatile Halvings halvings = new Halvings(0, 0);
    private double height;
    private volatile double weight = 1; // Until the first look.
    private volatile @Nullable RuntimeException failure;
    private volatile @Nullable RuntimeException lookFailure;

    /**
     * What the policy was asked for, and said.
     *
     * @param version of the map of the tablet
     * @param choice none of any rowsets, if nothing is worth it
     */
    private record Look(long version, Choice choice) {
        boolean isOfAny() {
            return !choice.fileIds().isEmpty();
        }
    }

    /**
     * Of what merges may take, since there was no memory for more.
     *
     * @param since when the last one had none
     */
    private record Halvings(int count, long since) {
        int at(long now) {
            long over = Math.abs(now - since) / SMALLER_MICROS; // The clock may have been set back.
            return (int) Math.max(0, count - over);
        }
    }

    MergeCandidate(AttachedTablet attached, MaintenanceScheduler.Slot slot) {
        this.attached = attached;
        this.slot = slot;
    }

    AttachedTablet attached() {
        return attached;
    }

    Tablet tablet() {
        return attached.tablet();
    }

    /** Where it is published while it is due. */
    MaintenanceScheduler.Slot slot() {
        return slot;
    }

    /** Rows were flushed, and more may come. */
    void flushed(long now, MergeSettings settings) {
        youngUntil = now + settings.youngMicros();
    }

    /**
     * Asks the policy, if anything has moved since it was asked last, or time has passed by which more is forgotten;
     * answers whether it did.
     */
    boolean look(Housekeeping housekeeping, MergeSettings settings) {
        long now = housekeeping.micros();
        weight = housekeeping.mergeWeight(tablet());
        long version = TabletView.mapVersion(tablet());
        if (version == lookedAtVersion && now < lookAgainAt) {
            return false;
        }
        lookedAtVersion = version;
        long mark = housekeeping.historyMark(tablet());
        lookAgainAt = lookAgainAt(housekeeping, mark, now);
        List<RowSetShape> shapes = TabletView.shapes(tablet(), mark);
        CompactionPolicy.Look look = look(shapes, settings.budget(), now);
        height = look.load();
        tellPace();
        List<Choice> choices = look.choices();
        severalWaitSince = waitsSince(choices, Kind.SEVERAL, severalWaitSince, now);
        majorWaitsSince = waitsSince(choices, Kind.MAJOR, majorWaitsSince, now);
        looked = new Look(version, best(choices, now, settings));
        lookFailure = null;
        return true;
    }

    /** What there is memory for, if any of that is worth it; or what is the least larger. */
    private CompactionPolicy.Look look(List<RowSetShape> shapes, MergePolicy.Budget budget, long now) {
        for (int times = halvings.at(now); times > 0; times--) {
            CompactionPolicy.Look smaller = CompactionPolicy.look(shapes, budget.halved(times));
            if (smaller.choices().getFirst().kind() != Kind.NOTHING) {
                return smaller;
            }
        }
        return CompactionPolicy.look(shapes, budget);
    }

    /** Nobody is slowed for the sake of merges that there will not be. */
    private void tellPace() {
        tablet().pressure().pace().owes(weight == 0 ? 0 : height, gainUnderWay());
    }

    private double gainUnderWay() {
        Choice begun = running;
        return begun != null && begun.kind() == Kind.SEVERAL ? begun.gain() : 0;
    }

    /** It could not be looked at: nothing is merged that nobody asks for, until it can be. */
    void lookFailed(RuntimeException reason, long now) {
        looked = null;
        lookedAtVersion = NEVER_LOOKED;
        lookFailure = reason;
        lookAgainAt = now + HELD_MICROS;
        height = 0;
        tellPace();
    }

    private long lookAgainAt(Housekeeping housekeeping, long mark, long now) {
        long next = TabletView.nextForgotten(tablet(), mark);
        long at = next == Long.MAX_VALUE ? Long.MAX_VALUE : housekeeping.microsOfMark(tablet(), next);
        return at > now ? at : now + HELD_MICROS;
    }

    /** When it is to be looked at again though nothing has moved, {@link Long#MAX_VALUE} for never. */
    long lookAgainAt() {
        return lookAgainAt;
    }

    private static long waitsSince(List<Choice> choices, Kind kind, long since, long now) {
        boolean isWaiting = choices.stream().anyMatch(choice -> choice.kind() == kind);
        if (!isWaiting) {
            return NOT_WAITING;
        }
        return since == NOT_WAITING ? now : since;
    }

    /** The best of those that may begin first: while others wait, the tablet may be flushed, and they wait for long. */
    private Choice best(List<Choice> choices, long now, MergeSettings settings) {
        return choices.stream()
                .min(Comparator.comparingLong(choice -> microsLeft(choice, now, settings)))
                .orElseThrow();
    }

    /** Whether there is something to merge, now or later. */
    boolean isWanted() {
        Look present = looked;
        return present != null && present.isOfAny() && weight > 0;
    }

    /** Whether look-ups have to ask so many rowsets that what is or will be merged does not yield to anybody. */
    boolean isBehind(MergeSettings settings) {
        Choice begun = running;
        return (begun != null && isUrgent(begun, settings)) || (isWanted() && isUrgent(choice(), settings));
    }

    /** Much is gained, or somebody waits for it. */
    private boolean isUrgent(Choice merge, MergeSettings settings) {
        return merge.gain() >= settings.youngGainMin()
                || tablet().pressure().pace().isSlow();
    }

    /** The higher, the sooner. */
    double score() {
        return choice().gain() * weight;
    }

    Choice choice() {
        Look present = looked;
        if (present == null || !present.isOfAny()) {
            throw new IllegalStateException("nothing is to be merged in tablet " + tablet().id());
        }
        return present.choice();
    }

    /** How long it has to wait; not at all, if that is longer than it can be: the clock was set back. */
    long microsLeft(long now, MergeSettings settings) {
        return microsLeft(choice(), now, settings);
    }

    private long microsLeft(Choice merge, long now, MergeSettings settings) {
        long left = dueAt(merge, settings) - now;
        return left <= waitMicrosMax(settings) ? Math.max(0, left) : 0;
    }

    /** Nothing waits longer before it is due. */
    static long waitMicrosMax(MergeSettings settings) {
        return Math.max(settings.delayMicrosMax(), BACK_OFF_MICROS_MAX);
    }

    private long dueAt(Choice merge, MergeSettings settings) {
        long waitsSince =
                switch (merge.kind()) {
                    case SEVERAL -> severalWaitSince;
                    case MAJOR -> majorWaitsSince;
                    // What is flushed next lies behind delta files that are merged now, but over rowsets.
                    case MINOR, NOTHING -> NOT_WAITING;
                };
        long ripe = isUrgent(merge, settings) || waitsSince == NOT_WAITING
                ? 0
                : Math.min(youngUntil, waitsSince + settings.delayMicrosMax());
        return Math.max(ripe, backsOffUntil);
    }

    /** It is under way; when it is over, there is something else to be merged, or nothing. */
    void begins() {
        Choice begun = choice();
        // Rowsets that have changed do so one by one, and may be many: when they have waited, all of them have.
        if (begun.kind() == Kind.SEVERAL) {
            severalWaitSince = NOT_WAITING;
        }
        running = begun;
        looked = null;
        lookedAtVersion = NEVER_LOOKED;
        tellPace();
    }

    /** It is over, whatever came of it. */
    void ended(boolean isMerged) {
        height -= isMerged ? gainUnderWay() : 0; // Until the next look, in a moment.
        running = null;
        tellPace();
    }

    void succeeded() {
        backOffMicros = 0;
        failure = null;
    }

    void failed(RuntimeException reason, long now) {
        boolean hadNoMemory = reason instanceof MemoryLimitException;
        if (hadNoMemory) {
            halvings = new Halvings(Math.min(HALVINGS_MAX, halvings.at(now) + 1), now);
            lookedAtVersion = NEVER_LOOKED; // What was chosen meanwhile may be as large.
        }
        long least = hadNoMemory ? MEMORY_BACK_OFF_MICROS_MIN : BACK_OFF_MICROS_MIN;
        backOffMicros = Math.clamp(2 * backOffMicros, least, BACK_OFF_MICROS_MAX);
        backsOffUntil = now + backOffMicros;
        failure = reason;
    }

    /** It could not begin, because somebody else has the rowsets just now. */
    void isRefused(long now) {
        backsOffUntil = now + BACK_OFF_MICROS_MIN;
    }

    /** Why the last one failed, if no other has come about since, or nobody can say what is next. Any thread. */
    Optional<RuntimeException> failure() {
        RuntimeException failed = failure;
        return Optional.ofNullable(failed == null ? lookFailure : failed);
    }

    /**
     * How the rowsets of the tablet lie, and what is done about it, and when: what is under way, or what the worker has
     * chosen, or will when it comes to it. Any thread.
     */
    TabletExplanation explain(MergeSettings settings, long now, long mark, double presentWeight) {
        long version = TabletView.mapVersion(tablet()); // Before what it is of: it is older, if anything.
        List<RowSetShape> shapes = TabletView.shapes(tablet(), mark);
        Choice begun = running;
        Look present = looked;
        Choice choice;
        if (begun != null) {
            choice = begun;
        } else if (present != null && present.version() == version && now < lookAgainAt) {
            choice = present.choice();
        } else {
            choice = best(look(shapes, settings.budget(), now).choices(), now, settings);
        }
        List<MergePolicy.Placed> layout = MergePolicy.layout(shapes);
        double height = layout.stream().mapToDouble(MergePolicy.Placed::width).sum();
        String plan = plan(choice, settings, now, presentWeight);
        return new TabletExplanation(tablet().id(), layout, height, choice, presentWeight, plan);
    }

    private String plan(Choice choice, MergeSettings settings, long now, double presentWeight) {
        Optional<String> underWay = tablet().merging().describe();
        if (underWay.isPresent()) {
            double percent = 100 * tablet().merging().share().orElse(1); // It may have ended just now.
            return String.format(Locale.ROOT, "under way: %s, %.0f %% done", underWay.get(), percent);
        }
        if (!settings.isAutomatic()) {
            return "nothing is merged unless somebody asks for it, since automaticMerges is off";
        }
        if (choice.kind() == Kind.NOTHING) {
            return "nothing is to be done";
        }
        if (presentWeight == 0) {
            return "nothing is merged unless somebody asks for it, since the settings of the table say so";
        }
        long millis = TimeUnit.MICROSECONDS.toMillis(microsLeft(choice, now, settings));
        RuntimeException failed = failure;
        if (millis <= 0) {
            return "merged when the worker comes to it, to " + choice.lane().words();
        }
        if (failed != null && backsOffUntil > now) {
            return String.format(
                    Locale.ROOT, "tried again in %,d ms, since the last merge failed: %s", millis, failed.getMessage());
        }
        return String.format(
                Locale.ROOT,
                "merged in %,d ms, to %s, unless more is flushed before, which would overlap it",
                millis,
                choice.lane().words());
    }
}
