package io.nyala.time;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** A reader at a time meets a writer that is about to take one; run by {@code RacesTest}. */
public final class VisibleTimeRaces {
    private static final long READ = 10;

    private VisibleTimeRaces() {}

    /** Nothing happens at or below a time at which somebody has read. */
    @JCStressTest
    @State
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "the writer was first, and the reader waits for it")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "the reader was first, and the writer draws again")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "the writer draws again, and the reader waits until it has")
    @Outcome(id = "1, 1", expect = FORBIDDEN, desc = "what was read will change")
    public static class DrawingBesideAPromise {
        private final VisibleTime time = new VisibleTime(READ - 1);

        @Actor
        public void writer(II_Result result) {
            result.r1 = time.tryDraw(READ) ? 1 : 0;
        }

        @Actor
        public void reader(II_Result result) {
            time.promise(READ);
            result.r2 = time.isSettled(READ) ? 1 : 0;
        }
    }

    /** Who sees a time sees what happened at it. */
    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "before")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "it came in between, and is skipped by its time")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "after")
    @Outcome(id = "1, 0", expect = FORBIDDEN, desc = "a row is missing at a time at which it is there")
    public static class ReadingBesideAnAdvance {
        private final VisibleTime time = new VisibleTime(READ - 1);
        private int row; // Plain, as memory is.

        @Actor
        public void writer() {
            row = 1;
            time.advance(READ);
        }

        @Actor
        public void reader(II_Result result) {
            result.r1 = time.visible() == READ ? 1 : 0;
            result.r2 = row;
        }
    }
}
