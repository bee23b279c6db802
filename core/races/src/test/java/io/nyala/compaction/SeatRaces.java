package io.nyala.compaction;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** What {@link Seat} promises where a worker comes back while another one takes its place; run by {@code RacesTest}. */
public final class SeatRaces {
    private SeatRaces() {}

    /** The end of a call meets who takes the seat: one of both has it, and who takes it sees all that came before. */
    @JCStressTest
    @State
    @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "the call counts, and nobody takes the seat")
    @Outcome(id = "0, 1, 7", expect = ACCEPTABLE, desc = "it is taken, and what the worker had written is seen")
    @Outcome(expect = FORBIDDEN, desc = "both have it, or nobody, or something written before is not seen")
    public static class EndBesideATakeOver {
        private final Seat seat = new Seat(() -> 0, () -> {});
        private final Seat.Hold hold = seat.first();
        private int written;

        @Actor
        public void worker(III_Result result) {
            written = 7;
            try {
                hold.run(() -> {});
                result.r1 = 1;
            } catch (Seat.LostException _) {
                result.r1 = 0;
            }
        }

        @Actor
        public void watcher(III_Result result) {
            if (seat.takeOver(100, 1) != null) {
                result.r2 = 1;
                result.r3 = written;
            }
        }
    }

    /** Who watches goes to rest beside a call. */
    @JCStressTest
    @State
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "it rests, and is woken")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "it has seen the call, and goes on watching")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "it goes on watching, and is woken in vain")
    @Outcome(expect = FORBIDDEN, desc = "nobody watches the call")
    public static class CallBesideARest {
        private int woken;
        private final Seat seat = new Seat(() -> 0, () -> woken++);
        private final Seat.Hold hold = seat.first();
        private final long seen;

        public CallBesideARest() {
            hold.run(() -> {});
            seen = seat.state();
        }

        @Actor
        public void worker(II_Result result) {
            hold.run(() -> {});
            result.r2 = woken - 1;
        }

        @Actor
        public void watcher(II_Result result) {
            result.r1 = seat.rest(seen) ? 1 : 0;
        }
    }
}
