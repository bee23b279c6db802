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
import org.openjdk.jcstress.infra.results.I_Result;

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

    /** Work comes while a worker looks for some. */
    @JCStressTest
    @State
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "it has it")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "the next look finds it")
    @Outcome(expect = FORBIDDEN, desc = "it is lost, or there twice")
    public static class PublishBesideAClaim {
        private final MaintenanceScheduler scheduler = new MaintenanceScheduler();
        private final MaintenanceScheduler.Slot slot = scheduler.register("work");

        @Actor
        public void tablet() {
            slot.publish(Lane.FREE_MEMORY, 1);
        }

        @Actor
        public void worker(II_Result result) {
            result.r1 = scheduler.claim(ALL) == null ? 0 : 1;
        }

        @Arbiter
        public void afterwards(II_Result result) {
            result.r2 = scheduler.claim(ALL) == null ? 0 : 1;
        }
    }

    /** Work is withdrawn while a worker looks for some. */
    @JCStressTest
    @State
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "it has it, and nobody after it")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "there is none any more")
    @Outcome(expect = FORBIDDEN, desc = "somebody has it behind that")
    public static class WithdrawBesideAClaim {
        private final MaintenanceScheduler scheduler = new MaintenanceScheduler();
        private final MaintenanceScheduler.Slot slot = scheduler.register("work");

        public WithdrawBesideAClaim() {
            slot.publish(Lane.FREE_MEMORY, 1);
        }

        @Actor
        public void tablet() {
            slot.withdraw();
        }

        @Actor
        public void worker(II_Result result) {
            MaintenanceScheduler.Claim claim = scheduler.claim(ALL);
            if (claim != null) {
                result.r1 = claim.release() ? 1 : -1;
            }
        }

        @Arbiter
        public void afterwards(II_Result result) {
            result.r2 = scheduler.claim(ALL) == null ? 0 : 1;
        }
    }

    /** Work goes to another lane while a worker looks for some: it is always in one of both. */
    @JCStressTest
    @State
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "the worker has it")
    @Outcome(expect = FORBIDDEN, desc = "it was in no lane, or is there twice")
    public static class OtherLaneBesideAClaim {
        private final MaintenanceScheduler scheduler = new MaintenanceScheduler();
        private final MaintenanceScheduler.Slot slot = scheduler.register("work");

        public OtherLaneBesideAClaim() {
            slot.publish(Lane.FREE_MEMORY, 2);
        }

        @Actor
        public void tablet() {
            slot.publish(Lane.FREE_LOG, 1);
        }

        @Actor
        public void worker(II_Result result) {
            result.r1 = scheduler.claim(ALL) == null ? 0 : 1;
        }

        @Arbiter
        public void afterwards(II_Result result) {
            result.r2 = scheduler.claim(ALL) == null ? 0 : 1;
        }
    }

    /** Two workers take work of a high lane at a time: a low one has been passed over by both, and is next. */
    @JCStressTest
    @State
    @Outcome(id = "1, 1, 2", expect = ACCEPTABLE, desc = "then it is its turn")
    @Outcome(expect = FORBIDDEN, desc = "one of both was not counted")
    public static class TwoClaimsBesideALowLane {
        private final MaintenanceScheduler scheduler = new MaintenanceScheduler();

        public TwoClaimsBesideALowLane() {
            for (int i = 0; i < 3; i++) {
                scheduler.register("high " + i).publish(Lane.FREE_LOG, 1);
            }
            scheduler.register("low").publish(Lane.KEEP_READS_FAST, 1);
            for (int i = Lane.KEEP_READS_FAST.patience() - 2; i > 0; i--) {
                claimed().release();
            }
        }

        private MaintenanceScheduler.Claim claimed() {
            return Objects.requireNonNull(scheduler.claim(ALL));
        }

        private int claimedLane() {
            return claimed().slot().lane() == Lane.KEEP_READS_FAST ? 2 : 1;
        }

        @Actor
        public void first(III_Result result) {
            result.r1 = claimedLane();
        }

        @Actor
        public void second(III_Result result) {
            result.r2 = claimedLane();
        }

        @Arbiter
        public void afterwards(III_Result result) {
            result.r3 = claimedLane();
        }
    }

    /** Work is published while its slot is forgotten: the last of both removes it. */
    @JCStressTest
    @State
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "nobody finds it")
    @Outcome(expect = FORBIDDEN, desc = "it is there for ever")
    public static class PublishBesideUnregister {
        private final MaintenanceScheduler scheduler = new MaintenanceScheduler();
        private final MaintenanceScheduler.Slot slot = scheduler.register("work");

        @Actor
        public void worker() {
            slot.publish(Lane.FREE_MEMORY, 1);
        }

        @Actor
        public void catalog() {
            scheduler.unregister(slot);
        }

        @Arbiter
        public void afterwards(I_Result result) {
            result.r1 = scheduler.publishedCount();
        }
    }

    /** What is most urgent is forgotten while a worker looks for work: it finds that, or the next. */
    @JCStressTest
    @State
    @Outcome(id = "2, 1, 1", expect = ACCEPTABLE, desc = "it has that, which is valid still, and the other is left")
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "it has the other, and nothing is left")
    @Outcome(expect = FORBIDDEN, desc = "it finds nothing, or what is forgotten is found again")
    public static class UnregisterBesideAClaim {
        private final MaintenanceScheduler scheduler = new MaintenanceScheduler();
        private final MaintenanceScheduler.Slot other = scheduler.register("other");
        private final MaintenanceScheduler.Slot forgotten = scheduler.register("forgotten");
        private MaintenanceScheduler.@Nullable Claim claim;

        public UnregisterBesideAClaim() {
            other.publish(Lane.FREE_MEMORY, 1);
            forgotten.publish(Lane.FREE_MEMORY, 2);
        }

        @Actor
        public void catalog() {
            scheduler.unregister(forgotten);
        }

        @Actor
        public void worker(III_Result result) {
            claim = scheduler.claim(ALL);
            result.r1 = number(claim);
        }

        @Arbiter
        public void afterwards(III_Result result) {
            result.r2 = number(scheduler.claim(ALL));
            result.r3 = claim != null && claim.release() ? 1 : 0;
        }

        private int number(MaintenanceScheduler.@Nullable Claim found) {
            return found == null ? 0 : found.slot() == other ? 1 : 2;
        }
    }
}
