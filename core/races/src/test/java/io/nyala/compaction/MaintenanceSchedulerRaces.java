package io.nyala.compaction;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.Objects;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** What {@link MaintenanceScheduler} promises where workers meet; run by {@code RacesTest}. */
public final class MaintenanceSchedulerRaces {
    private static final int ALL = Lane.set(Lane.values());

    private MaintenanceSchedulerRaces() {}

    /** Work is claimed by one of two workers. */
    @JCStressTest
    @State
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "the first has it")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "the second has it")
    @Outcome(expect = FORBIDDEN, desc = "both have it, or nobody")
    public static class TwoWorkers {
        private final MaintenanceScheduler scheduler = new MaintenanceScheduler();

        public TwoWorkers() {
            scheduler.register("work").publish(Lane.FREE_MEMORY, 1);
        }

        @Actor
        public void first(II_Result result) {
            result.r1 = scheduler.claim(ALL) == null ? 0 : 1;
        }

        @Actor
        public void second(II_Result result) {
            result.r2 = scheduler.claim(ALL) == null ? 0 : 1;
        }
    }

    /** A claim ends once, also if somebody else has the work at the second time. */
    @JCStressTest
    @State
    @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "the other came before it was free, and it is free now")
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "the other has it")
    @Outcome(expect = FORBIDDEN, desc = "the claim of the other was ended, or none was")
    public static class TwoReleasesBesideAClaim {
        private final MaintenanceScheduler scheduler = new MaintenanceScheduler();
        private final MaintenanceScheduler.Claim claim;

        public TwoReleasesBesideAClaim() {
            scheduler.register("work").publish(Lane.FREE_MEMORY, 1);
            claim = Objects.requireNonNull(scheduler.claim(ALL));
        }

        @Actor
        public void first(III_Result result) {
            result.r1 = (claim.release() ? 1 : 0) + (claim.release() ? 1 : 0);
        }

        @Actor
        public void next(III_Result result) {
            result.r2 = scheduler.claim(ALL) == null ? 0 : 1;
        }

        @Arbiter
        public void afterwards(III_Result result) {
            result.r3 = scheduler.claim(ALL) == null ? 1 : 0;
        }
    }
}
