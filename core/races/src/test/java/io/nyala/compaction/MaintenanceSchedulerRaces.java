package io.nyala.compaction;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
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

    /** A claim is released or taken over, and who took it over has it, whatever the other does afterwards. */
    @JCStressTest
    @State
    @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "it was released before, so nobody took it over")
    @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "it was taken over, and the result of the first is refused")
    @Outcome(expect = FORBIDDEN, desc = "both count, or the first has ended the claim of its successor")
    public static class ReleaseBesideATakeOver {
        private final MaintenanceScheduler.Slot slot;
        private final MaintenanceScheduler.Claim claim;
        private MaintenanceScheduler.@Nullable Claim successor;

        public ReleaseBesideATakeOver() {
            var scheduler = new MaintenanceScheduler();
            slot = scheduler.register("work");
            slot.publish(Lane.FREE_MEMORY, 1);
            claim = Objects.requireNonNull(scheduler.claim(ALL));
        }

        @Actor
        public void zombie(III_Result result) {
            result.r1 = claim.release() ? 1 : 0;
        }

        @Actor
        public void successor(III_Result result) {
            successor = slot.takeOver();
            result.r2 = successor == null ? 0 : 1;
        }

        @Arbiter
        public void afterwards(III_Result result) {
            MaintenanceScheduler.Claim present = successor;
            result.r3 = present != null && present.isCurrent() ? 1 : 0;
        }
    }
}
