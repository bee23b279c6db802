package io.nyala.io;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A producer brings work while a consumer is about to sleep: {@link Wakeup} must see to it that either the consumer
 * sees the work, or the producer wakes it. Run by {@code RacesTest}.
 */
public final class WakeupRaces {
    private static final int SEEN = 1;
    private static final int ASLEEP = 0;

    private WakeupRaces() {}

    /** Work, as a queue publishes it: by a mere release. */
    @State
    public static class Work {
        private static final VarHandle WORK;

        static {
            try {
                WORK = MethodHandles.lookup().findVarHandle(Work.class, "work", int.class);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        final Wakeup wakeup = new Wakeup();

        @SuppressWarnings({"UnusedVariable", "FieldMayBeFinal"}) // Through WORK.
        private int work;

        /** Answers 1 if it wakes the consumer. */
        final int bring() {
            WORK.setRelease(this, 1);
            return wakeup.signal() ? 1 : 0;
        }

        /** What a consumer does that has nothing else to do. */
        final int sleepUnlessThereIsWork() {
            while ((int) WORK.getAcquire(this) == 0) {
                if (wakeup.prepare()) {
                    return (int) WORK.getAcquire(this) == 0 ? ASLEEP : SEEN;
                }
            }
            return SEEN;
        }
    }

    /** As an agent sleeps, which looks for work, finds none and parks. */
    @JCStressTest
    @State
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "seen")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "seen, and woken in vain")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "asleep, and woken")
    @Outcome(id = "0, 0", expect = FORBIDDEN, desc = "asleep for ever")
    public static class FirstNotice extends Work {
        @Actor
        public void producer(II_Result result) {
            result.r1 = bring();
        }

        @Actor
        public void consumer(II_Result result) {
            result.r2 = sleepUnlessThereIsWork();
        }
    }

    /** The producer finds the notice of an earlier one, which the consumer is just taking. */
    @JCStressTest
    @State
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "seen")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "seen, and woken in vain")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "asleep, and woken")
    @Outcome(id = "0, 0", expect = FORBIDDEN, desc = "asleep for ever")
    public static class NoticeOfAnother extends Work {
        public NoticeOfAnother() {
            wakeup.signal();
        }

        @Actor
        public void producer(II_Result result) {
            result.r1 = bring();
        }

        @Actor
        public void consumer(II_Result result) {
            result.r2 = sleepUnlessThereIsWork();
        }
    }
}
