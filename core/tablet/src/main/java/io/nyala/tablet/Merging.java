package io.nyala.tablet;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether rowsets of a tablet are being merged, and whether they may be. While they are, their changes in memory are
 * flushed only with the outcome. Thread-safe.
 */
public final class Merging {
    private final Pressure pressure;
    private volatile @Nullable MergeTask running;
    private volatile boolean isPaused;
    private volatile boolean isFlushOwed;

    Merging(Pressure pressure) {
        this.pressure = pressure;
    }

    /** Whether a merge has rowsets of the tablet. */
    public boolean isRunning() {
        return running != null;
    }

    /** How far the merge is that has rowsets of the tablet, if one has. */
    public Optional<MergeTask.Progress> progress() {
        return Optional.ofNullable(running).map(MergeTask::progress);
    }

    /** By the worker, which does one merge of a tablet at a time; null for none. */
    void running(@Nullable MergeTask task) {
        running = task;
        if (task == null) {
            askForWhatIsOwed();
        }
    }

    /**
     * What a merge has in memory is to be flushed when that is over. (Both fields are volatile: who sets the second one
     * sees the first.)
     */
    public void oweFlush() {
        isFlushOwed = true;
        if (running == null) {
            askForWhatIsOwed();
        }
    }

    private void askForWhatIsOwed() {
        if (isFlushOwed) {
            isFlushOwed = false;
            pressure.wantFlush();
        }
    }

    /**
     * No merge begins until {@link #goOn}: another tablet is to take the place of this one, with the same rowsets. One
     * that is under way is over when a flush that is asked for afterwards has ended.
     */
    public void pause() {
        isPaused = true;
    }

    public void goOn() {
        isPaused = false;
    }

    public boolean isPaused() {
        return isPaused;
    }
}
