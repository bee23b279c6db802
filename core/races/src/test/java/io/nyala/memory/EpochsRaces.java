package io.nyala.memory;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** What {@link Epochs} promises where a reader meets the writer; run by {@code RacesTest}. */
public final class EpochsRaces {
    private EpochsRaces() {}

    /** Nothing is freed that a reader can reach. */
    @JCStressTest
    @State
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "the reader came after the unlinking")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "the reader came before, and what it read was intact")
    @Outcome(id = "2", expect = FORBIDDEN, desc = "what the reader could reach was freed")
    public static class FreeingBesideAReader {
        private final Epochs epochs = new Epochs(1);
        private volatile boolean isLinked = true;
        private int freed; // Plain, as memory is.

        @Actor
        public void reader(I_Result result) {
            int ticket = epochs.enter();
            result.r1 = isLinked ? 1 + freed : 0;
            epochs.exit(ticket);
        }

        @Actor
        public void writer() {
            isLinked = false;
            epochs.retire(() -> freed = 1);
            epochs.reclaim();
        }
    }

    /** A writer that found a reader in is woken by it. */
    @JCStressTest
    @State
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "the reader was in, and wakes the writer")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "the writer freed, and the reader saw nothing to wake for")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "the writer freed, and is woken in vain")
    @Outcome(id = "0, 0", expect = FORBIDDEN, desc = "the writer sleeps for ever")
    public static class LeavingBesideAReclaim {
        private final Epochs epochs = new Epochs(1);
        private final int ticket = epochs.enter();

        @Actor
        public void reader(II_Result result) {
            epochs.exit(ticket);
            result.r2 = epochs.pending();
        }

        @Actor
        public void writer(II_Result result) {
            epochs.retire(() -> {});
            result.r1 = epochs.reclaim();
        }
    }

    /** A reader for whom no slot was free is let in when one leaves. */
    @JCStressTest
    @State
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "it has the slot")
    @Outcome(expect = FORBIDDEN, desc = "another slot, or it waits for ever, which ends the run")
    public static class WaitingBesideALeaving {
        private final Epochs epochs = new Epochs(1);
        private final int ticket = epochs.enter();

        @Actor
        public void leaving() {
            epochs.exit(ticket);
        }

        @Actor
        public void waiting(I_Result result) {
            result.r1 = epochs.enterOrWait();
        }
    }

    /** As {@link FreeingBesideAReader}, where the reader needs a slot of a block that is not there yet. */
    @JCStressTest
    @State
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "the reader came after the unlinking")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "the reader came before, and what it read was intact")
    @Outcome(id = "2", expect = FORBIDDEN, desc = "what the reader could reach was freed")
    public static class FreeingBesideTheFirstReaderOfABlock {
        private static final int BLOCK_SLOTS = 16;
        private static final int READER_SPINS = 100;

        private final Epochs epochs = new Epochs(2 * BLOCK_SLOTS);
        private volatile boolean isLinked = true;
        private int freed; // Plain, as memory is.

        public FreeingBesideTheFirstReaderOfABlock() {
            for (int i = 0; i < BLOCK_SLOTS; i++) {
                epochs.enter();
            }
        }

        @Actor
        public void reader(I_Result result) {
            int ticket = epochs.enter();
            boolean wasLinked = isLinked;
            for (int i = 0; i < READER_SPINS; i++) {
                Thread.onSpinWait(); // Long enough for the writer to do all that it does.
            }
            result.r1 = wasLinked ? 1 + freed : 0;
            epochs.exit(ticket);
        }

        @Actor
        public void writer() {
            isLinked = false;
            epochs.retire(() -> freed = 1);
            for (int i = 0; i < BLOCK_SLOTS; i++) {
                epochs.exit(i);
            }
            epochs.reclaim();
        }
    }
}
