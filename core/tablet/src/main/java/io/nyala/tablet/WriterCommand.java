package io.nyala.tablet;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Something that maintenance has a tablet's writer do, and its answer: asked for once, then looked at until it is
 * there. Belongs to one worker.
 */
final class WriterCommand {
    private final Tablet tablet;
    private final Runnable wake;

    // Answers of the writer.
    private volatile boolean isAnswered;
    private volatile @Nullable RuntimeException refusal;

    /** {@code wake} makes the worker look for the answer. */
    WriterCommand(Tablet tablet, Runnable wake) {
        this.tablet = tablet;
        this.wake = wake;
    }

    /**
     * Has the writer run {@code command}; answers whether it will. A command that answers false is run again when
     * something that was flushed before has been freed.
     */
    boolean ask(BooleanSupplier command) {
        isAnswered = false;
        refusal = null;
        return tablet.writer().command(() -> answer(command));
    }

    private void answer(BooleanSupplier command) {
        tablet.writer().list(tablet.queue().turn()); // There may be something to carry or to reclaim afterwards.
        try {
            if (!command.getAsBoolean()) {
                tablet.seals().afterReclaim(() -> answer(command));
                return;
            }
        } catch (RuntimeException e) {
            refusal = e; // That ends what maintenance does, not the writer.
        }
        isAnswered = true;
        wake.run();
    }

    /** Whether it was run. Throws what it threw. */
    boolean isAnswered() {
        if (!isAnswered) {
            tablet.pending().throwIfFailed();
            return false;
        }
        RuntimeException refused = refusal;
        if (refused != null) {
            throw refused;
        }
        return true;
    }
}
