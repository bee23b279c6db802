package io.nyala.tablet;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.nyala.compaction.WritePace;
import io.nyala.tablet.Admission.Caller;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** Callers who want a place for their batch meet each other, and the writer who frees one; run by {@code RacesTest}. */
public final class AdmissionRaces {
    private AdmissionRaces() {}

    private static int asNumber(boolean is) {
        return is ? 1 : 0;
    }

    /** Two callers want the last place. */
    @JCStressTest
    @State
    @Outcome(
            id = {"1, 0, 1", "0, 1, 1"},
            expect = ACCEPTABLE,
            desc = "one has it")
    @Outcome(expect = FORBIDDEN, desc = "both have it, or none")
    public static class TheLastPlace {
        private final Admission admission = new Admission(1, WritePace.unlimited(), () -> {});

        @Actor
        public void one(III_Result result) {
            result.r1 = asNumber(admission.tryAdmit(new Caller()));
        }

        @Actor
        public void other(III_Result result) {
            result.r2 = asNumber(admission.tryAdmit(new Caller()));
        }

        @Arbiter
        public void count(III_Result result) {
            result.r3 = admission.admittedCount();
        }
    }

    /** A caller goes to the line while the only place becomes free. */
    @JCStressTest
    @State
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "he has it")
    @Outcome(expect = FORBIDDEN, desc = "he waits for ever beside a free place")
    public static class LiningUpBesideALeaving {
        private final Admission admission = new Admission(1, WritePace.unlimited(), () -> {});
        private final Caller caller = new Caller();

        public LiningUpBesideALeaving() {
            admission.tryAdmit(new Caller());
        }

        @Actor
        public void caller() {
            admission.lineUp(caller);
        }

        @Actor
        public void writer() {
            admission.leave(new Caller());
        }

        @Arbiter
        public void end(II_Result result) {
            result.r1 = asNumber(caller.isAdmitted());
            result.r2 = admission.admittedCount();
        }
    }

    /** A caller goes to the line of a tablet that is slowed while merges have caught up. */
    @JCStressTest
    @State
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "he has a place")
    @Outcome(expect = FORBIDDEN, desc = "he waits for ever for room that nobody makes any more")
    public static class LiningUpBesideTheEndOfASlowdown {
        private static final long SECOND = 1_000_000;

        private final WritePace pace = new WritePace(2, 1);
        private final Admission admission = new Admission(1, pace, () -> {});
        private final Caller caller = new Caller();

        public LiningUpBesideTheEndOfASlowdown() {
            pace.owes(100, 0);
            pace.adjust(SECOND, 0, 0);
            pace.adjust(60 * SECOND, 0, 0);
            pace.owes(0, 0);
        }

        @Actor
        public void caller() {
            admission.lineUp(caller);
        }

        @Actor
        public void writer() {
            pace.adjust(120 * SECOND, 0, 0);
            int _ = admission.give();
        }

        @Arbiter
        public void end(II_Result result) {
            result.r1 = asNumber(caller.isAdmitted());
            result.r2 = admission.admittedCount();
        }
    }

    /** A caller goes to the line while there is memory again. */
    @JCStressTest
    @State
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "he has a place")
    @Outcome(expect = FORBIDDEN, desc = "he waits for ever, with nobody before him")
    public static class LiningUpBesideARelease {
        private final Admission admission = new Admission(1, WritePace.unlimited(), () -> {});
        private final Caller caller = new Caller();

        public LiningUpBesideARelease() {
            admission.hold();
        }

        @Actor
        public void caller() {
            admission.lineUp(caller);
        }

        @Actor
        public void writer() {
            admission.release();
        }

        @Arbiter
        public void end(II_Result result) {
            result.r1 = asNumber(caller.isAdmitted());
            result.r2 = admission.admittedCount();
        }
    }

    /** Two places become free for the first two of three who wait, while one more comes. */
    @JCStressTest
    @State
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "the first two have them")
    @Outcome(expect = FORBIDDEN, desc = "somebody was overtaken, or forgotten")
    public static class ComingBesideALeaving {
        private final Admission admission = new Admission(2, WritePace.unlimited(), () -> {});
        private final Caller first = new Caller();
        private final Caller second = new Caller();
        private boolean isOvertaken;

        public ComingBesideALeaving() {
            admission.tryAdmit(new Caller());
            admission.tryAdmit(new Caller());
            admission.lineUp(first);
            admission.lineUp(second);
            admission.lineUp(new Caller());
        }

        @Actor
        public void writer() {
            admission.leave(new Caller());
            admission.leave(new Caller());
        }

        @Actor
        public void newcomer() {
            isOvertaken = admission.tryAdmit(new Caller());
        }

        @Arbiter
        public void end(III_Result result) {
            result.r1 = asNumber(first.isAdmitted());
            result.r2 = asNumber(second.isAdmitted());
            result.r3 = asNumber(isOvertaken || admission.admittedCount() != 2);
        }
    }

    /** The first in the line gives up while he gets the place. */
    @JCStressTest
    @State
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "the next one has it")
    @Outcome(expect = FORBIDDEN, desc = "the place is lost, or given twice")
    public static class GivingUpBesideALeaving {
        private final Admission admission = new Admission(1, WritePace.unlimited(), () -> {});
        private final Caller impatient = new Caller();
        private final Caller patient = new Caller();

        public GivingUpBesideALeaving() {
            admission.tryAdmit(new Caller());
            admission.lineUp(impatient);
            admission.lineUp(patient);
        }

        @Actor
        public void caller() {
            admission.giveUp(impatient);
        }

        @Actor
        public void writer() {
            admission.leave(new Caller());
        }

        @Arbiter
        public void end(II_Result result) {
            result.r1 = asNumber(patient.isAdmitted());
            result.r2 = admission.admittedCount();
        }
    }
}
