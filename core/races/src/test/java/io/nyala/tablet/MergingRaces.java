package io.nyala.tablet;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.nyala.compaction.WritePace;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** A merge whose worker is not heard of meets those who take it, and that worker itself; run by {@code RacesTest}. */
public final class MergingRaces {
    private MergingRaces() {}

    private static Merging merging() {
        return new Merging(new Pressure(1, WritePace.unlimited(), () -> {}, () -> {}));
    }

    /** What nobody reads any more is to be freed while the worker comes back that might read it. */
    @JCStressTest
    @State
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "it is freed once, when the worker is back")
    @Outcome(expect = FORBIDDEN, desc = "it is freed under the worker's hands, or never, or twice")
    public static class FreeingBesideTheWorkersReturn {
        private final Merging merging = merging();
        private final AtomicInteger freed = new AtomicInteger();
        private volatile boolean isBack;
        private volatile boolean wasBack;

        public FreeingBesideTheWorkersReturn() {
            merging.takeOver(() -> true);
        }

        @Actor
        public void successor() {
            merging.free(() -> {
                wasBack = isBack;
                freed.incrementAndGet();
            });
        }

        @Actor
        public void worker() {
            isBack = true;
            merging.workerBack();
        }

        @Arbiter
        public void end(II_Result result) {
            result.r1 = freed.get();
            result.r2 = wasBack ? 1 : 0;
        }
    }

    /** Who has taken over a merge frees what it read, while it is being taken. */
    @JCStressTest
    @State
    @Outcome(id = "0, 0, 0", expect = ACCEPTABLE, desc = "it was not free yet")
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "what it read is freed when its worker is back")
    @Outcome(expect = FORBIDDEN, desc = "it is freed under the hands of the worker, or never")
    public static class FreeingBesideATakeOver {
        private final Merging merging = merging();
        private final Merging.Claim claim = new Merging.Claim();
        private final long claimed = claim.tryRows();
        private final AtomicInteger freed = new AtomicInteger();

        @Actor
        public void maintenance() {
            merging.takeOver(() -> claim.revoke(claimed));
        }

        @Actor
        public void successor(III_Result result) {
            if (claim.tryRows() != Merging.Claim.NONE) {
                result.r1 = 1;
                merging.free(freed::incrementAndGet);
            }
        }

        @Arbiter
        public void end(III_Result result) {
            result.r2 = freed.get();
            merging.workerBack();
            result.r3 = freed.get();
        }
    }

    /** A worker puts its outputs in the place of the inputs, and frees these, while its merge is taken from it. */
    @JCStressTest
    @State
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "it was too late to take it: the inputs are freed")
    @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "it was taken: the inputs stay")
    @Outcome(expect = FORBIDDEN, desc = "both have it, or nobody, or the inputs are never freed")
    public static class SwapBesideATakeOver {
        private final Merging merging = merging();
        private final Merging.Claim claim = new Merging.Claim();
        private final long claimed = claim.tryRows();
        private final AtomicInteger freed = new AtomicInteger();

        @Actor
        public void worker(III_Result result) {
            if (claim.tryCommit(claimed)) {
                result.r1 = 1;
                merging.free(freed::incrementAndGet);
                claim.end(claimed);
                merging.running(null);
            } else {
                merging.workerBack();
            }
        }

        @Actor
        public void maintenance(III_Result result) {
            result.r2 = merging.takeOver(() -> claim.revoke(claimed)) ? 1 : 0;
        }

        @Arbiter
        public void end(III_Result result) {
            result.r3 = merging.isInUse() ? -1 : freed.get();
        }
    }
}
