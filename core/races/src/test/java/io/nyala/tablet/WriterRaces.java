package io.nyala.tablet;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.nyala.compaction.Turns;
import io.nyala.compaction.WritePace;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** A tablet's writer meets those who give it work, and maintenance; run by {@code RacesTest}. */
public final class WriterRaces {
    private WriterRaces() {}

    /** Somebody brings work to a tablet that the writer is about to look at no more. */
    @JCStressTest
    @State
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "the writer will look at it again, or has done it")
    @Outcome(expect = FORBIDDEN, desc = "nobody looks at it any more, or it is looked at twice")
    public static class BringingWorkBesideTheLastLook {
        private final AtomicInteger work = new AtomicInteger();
        private final Turns<AtomicInteger> turns = new Turns<>(queue -> queue.get() == 0);
        private final Turns.Turn<AtomicInteger> turn = new Turns.Turn<>(work);

        public BringingWorkBesideTheLastLook() {
            turns.list(turn);
        }

        @Actor
        public void caller() {
            work.set(1);
            turns.list(turn);
        }

        @Actor
        public void writer() {
            turns.takeListed();
            turns.letQuietOnesGo();
        }

        @Arbiter
        public void end(I_Result result) {
            turns.takeListed();
            result.r1 = turns.count();
        }
    }

    /** Two callers list the same tablet at a time. */
    @JCStressTest
    @State
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "it is there once")
    @Outcome(expect = FORBIDDEN, desc = "it is lost, or there twice")
    public static class ListingBesideAnother {
        private final Turns<String> turns = new Turns<>(String::isEmpty);
        private final Turns.Turn<String> turn = new Turns.Turn<>("tablet");

        @Actor
        public void one() {
            turns.list(turn);
        }

        @Actor
        public void other() {
            turns.list(turn);
        }

        @Arbiter
        public void end(I_Result result) {
            turns.takeListed();
            result.r1 = turns.count();
        }
    }

    /** The writer wants changes flushed while a flush begins. */
    @JCStressTest
    @State
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "the flush that begins does it")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "the next one will")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "this one does it, and one more comes, in vain")
    @Outcome(expect = FORBIDDEN, desc = "the wish is forgotten")
    public static class WantingAFlushBesideItsBeginning {
        private final Pressure pressure = new Pressure(1, WritePace.unlimited(), () -> {}, () -> {});
        private boolean isDone;

        public WantingAFlushBesideItsBeginning() {
            pressure.wantRowFlush();
        }

        @Actor
        public void writer() {
            pressure.wantFlush();
        }

        @Actor
        public void maintenance() {
            isDone = pressure.flushBegins().changes();
        }

        @Arbiter
        public void end(II_Result result) {
            result.r1 = isDone ? 1 : 0;
            result.r2 = pressure.isFlushWanted() ? 1 : 0;
            if (!isDone && result.r2 == 1) {
                result.r2 = pressure.flushBegins().changes() ? 1 : 0;
            }
        }
    }

    /** A tablet wants a flush while somebody begins to listen to it. */
    @JCStressTest
    @State
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "it is heard, once or twice")
    @Outcome(expect = FORBIDDEN, desc = "nobody ever looks at the tablet")
    public static class WantingAFlushBesideAListener {
        private final Pressure pressure = new Pressure(1, WritePace.unlimited(), () -> {}, () -> {});
        private final AtomicInteger heard = new AtomicInteger();

        @Actor
        public void writer() {
            pressure.wantRowFlush();
        }

        @Actor
        public void host() {
            pressure.listener(new Pressure.Listener() {
                @Override
                public void wanted() {
                    heard.incrementAndGet();
                }

                @Override
                public void paceChanged() {}
            });
        }

        @Arbiter
        public void end(I_Result result) {
            result.r1 = Math.min(1, heard.get());
        }
    }

    /** Maintenance refuses memory that a batch has just begun to wait for. */
    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "maintenance has not seen the batch")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "the batch hears of it")
    @Outcome(expect = FORBIDDEN, desc = "the batch waits for ever")
    public static class WaitingBesideARefusal {
        private final Pressure pressure = new Pressure(1, WritePace.unlimited(), () -> {}, () -> {});
        private int refused;
        private int heard;

        @Actor
        public void writer() {
            await();
        }

        private void await() {
            try {
                pressure.awaitMemory();
            } catch (TabletBusyException _) {
                heard = 1;
            }
        }

        @Actor
        public void maintenance() {
            if (pressure.isMemoryWanted()) {
                refused = 1;
                pressure.refuseMemory(new IllegalStateException("nothing to flush"));
            }
        }

        @Arbiter
        public void end(II_Result result) {
            if (heard == 0) {
                await(); // The writer was woken.
            }
            result.r1 = refused;
            result.r2 = heard;
        }
    }

    /** A worker commits its claim while another one takes it: one of them has it, and only it ends it. */
    @JCStressTest
    @State
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "it is committed, and nobody takes it")
    @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "it is taken, and its result refused")
    @Outcome(expect = FORBIDDEN, desc = "both have it, or nobody")
    public static class CommitBesideRevoke {
        private final Merging.Claim claim = new Merging.Claim();
        private final long claimed = claim.tryRows();

        @Actor
        public void worker(III_Result result) {
            result.r1 = claim.tryCommit(claimed) ? 1 : 0;
        }

        @Actor
        public void successor(III_Result result) {
            result.r2 = claim.revoke(claimed) ? 1 : 0;
        }

        @Arbiter
        public void afterwards(III_Result result) {
            result.r3 = claim.isHeld(claimed) ? 1 : 0;
        }
    }
}
