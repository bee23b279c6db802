package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.WritePace;
import io.nyala.tablet.Admission.Caller;
import io.nyala.testkit.Seed;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: places for batches are given to callers in the order in which they came, and to each that there is one for.
 * Method: callers who come, wait, give up and leave at random, beside a queue as everybody knows it; callers beside
 * each other are jcstress's, in {@code core/races}.
 */
final class AdmissionTest {
    private static final int OPERATIONS = 400;

    @RepeatedTest(16)
    void placesAreGivenInTheOrderInWhichCallersCame(@Seed SplittableRandom random) {
        int admittedMax = random.nextInt(1, 6);
        var admission = new Admission(admittedMax, WritePace.unlimited(), () -> {});
        Deque<Caller> waiting = new ArrayDeque<>();
        List<Caller> admitted = new ArrayList<>();
        int insideCount = 0;
        boolean isHeld = false;
        for (int i = 0; i < OPERATIONS; i++) {
            switch (random.nextInt(6)) {
                case 0 -> {
                    boolean isFree = waiting.isEmpty() && !isHeld && insideCount < admittedMax;
                    assertEquals(
                            isFree, admission.tryAdmit(new Caller()), "who comes finds " + waiting.size() + " waiting");
                    insideCount += isFree ? 1 : 0;
                }
                case 1, 2 -> {
                    var caller = new Caller();
                    admission.lineUp(caller);
                    waiting.add(caller);
                }
                case 3 -> {
                    if (insideCount > 0) {
                        admission.leave(new Caller());
                        insideCount--;
                    }
                }
                case 4 -> {
                    Caller any = random.nextBoolean() || admitted.isEmpty() ? waiting.peekLast() : admitted.getLast();
                    if (any != null) {
                        admission.giveUp(any);
                        insideCount -= waiting.remove(any) ? 0 : 1;
                        admitted.remove(any);
                    }
                }
                default -> {
                    isHeld = !isHeld;
                    if (isHeld) {
                        admission.hold();
                    } else {
                        admission.release();
                    }
                }
            }
            while (!isHeld && insideCount < admittedMax && !waiting.isEmpty()) {
                insideCount++;
                admitted.add(waiting.poll());
            }
            admitted.forEach(caller -> assertTrue(caller.isAdmitted(), "there is a place for who was first"));
            waiting.forEach(caller -> assertFalse(caller.isAdmitted(), "there is none for who is behind others"));
            assertEquals(insideCount, admission.admittedCount());
        }
    }

    @Test
    void whoFindsTheTabletSlowWaitsForRoomAndAsksForIt() {
        var pace = new WritePace(2, 1_000);
        var asked = new AtomicInteger();
        var admission = new Admission(4, pace, asked::incrementAndGet);
        pace.owes(100, 0);
        pace.adjust(1_000_000, 0, 0);
        pace.adjust(11_000_000, 0, 0);
        assertTrue(pace.isSlow());
        assertFalse(admission.tryAdmit(new Caller()));
        var caller = new Caller();
        caller.bytes(1_000_000);
        admission.lineUp(caller);
        assertFalse(caller.isAdmitted());
        assertEquals(1, asked.get());
        assertTrue(admission.isPaced());
        assertEquals(0, admission.give(), "there is no room yet");
        pace.accrue(12_000_000);
        assertEquals(1, admission.give());
        assertTrue(caller.isAdmitted());
        assertFalse(admission.isPaced());
        assertEquals(1_000_000, admission.takeRoom(caller));
        pace.decided(1_000_000);
        var late = new Caller();
        admission.lineUp(late);
        assertFalse(late.isAdmitted(), "the first one has had more than there was");
        pace.owes(0, 0);
        pace.adjust(30_000_000, 0, 0);
        assertFalse(pace.isSlow());
        assertEquals(1, admission.give(), "nobody is slowed any more");
    }

    /** What he would have brought is nothing that others have to wait for. */
    @Test
    void whoHasAPlaceAndBringsNoBatchLeavesHisRoomToTheNext() {
        var pace = new WritePace(2, 1_000);
        var admission = new Admission(4, pace, () -> {});
        pace.owes(100, 0);
        pace.adjust(1_000_000, 0, 0);
        pace.adjust(11_000_000, 0, 0);
        var given = new Caller();
        given.bytes(1_000_000);
        admission.lineUp(given);
        var next = new Caller();
        next.bytes(500_000);
        admission.lineUp(next);
        pace.accrue(12_000_000);
        assertEquals(1, admission.give(), "there is room for one");
        assertTrue(given.isAdmitted());
        admission.giveUp(given);
        assertTrue(next.isAdmitted());
        long taken = admission.takeRoom(next);
        next.bytes(700_000);
        admission.lineUp(next); // Its batch was refused, and it is back before all is told.
        assertFalse(next.isAdmitted());
        admission.leave(taken);
        assertTrue(next.isAdmitted());
        assertEquals(700_000, admission.takeRoom(next));
    }

    @Test
    void whoWaitsInVainLeavesHisPlaceToTheNext() {
        var admission = new Admission(1, WritePace.unlimited(), () -> {});
        assertTrue(admission.tryAdmit(new Caller()));
        var impatient = new Caller();
        var patient = new Caller();
        assertThrows(
                IllegalStateException.class,
                () -> admission.admit(impatient, _ -> {
                    admission.lineUp(patient);
                    throw new IllegalStateException("enough");
                }));
        admission.leave(new Caller());
        assertTrue(patient.isAdmitted());
        assertFalse(impatient.isAdmitted());
    }

    @Test
    void aPlaceThatCameTooLateIsTheNextOnes() {
        var admission = new Admission(1, WritePace.unlimited(), () -> {});
        assertTrue(admission.tryAdmit(new Caller()));
        var impatient = new Caller();
        var patient = new Caller();
        assertThrows(
                IllegalStateException.class,
                () -> admission.admit(impatient, condition -> {
                    admission.lineUp(patient);
                    admission.leave(new Caller());
                    assertTrue(condition.getAsBoolean());
                    throw new IllegalStateException("enough");
                }));
        assertTrue(patient.isAdmitted());
        assertEquals(1, admission.admittedCount());
    }
}
