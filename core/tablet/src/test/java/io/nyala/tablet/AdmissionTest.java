package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.tablet.WriteQueue.Admission;
import io.nyala.tablet.WriteQueue.Admission.Caller;
import io.nyala.testkit.Seed;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
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
        var admission = new Admission(admittedMax);
        Deque<Caller> waiting = new ArrayDeque<>();
        List<Caller> admitted = new ArrayList<>();
        int insideCount = 0;
        boolean isHeld = false;
        for (int i = 0; i < OPERATIONS; i++) {
            switch (random.nextInt(6)) {
                case 0 -> {
                    boolean isFree = waiting.isEmpty() && !isHeld && insideCount < admittedMax;
                    assertEquals(isFree, admission.tryAdmit(), "who comes finds " + waiting.size() + " waiting");
                    insideCount += isFree ? 1 : 0;
                }
                case 1, 2 -> {
                    var caller = new Caller();
                    admission.lineUp(caller);
                    waiting.add(caller);
                }
                case 3 -> {
                    if (insideCount > 0) {
                        admission.leave();
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
    void whoWaitsInVainLeavesHisPlaceToTheNext() {
        var admission = new Admission(1);
        assertTrue(admission.tryAdmit());
        var impatient = new Caller();
        var patient = new Caller();
        assertThrows(
                IllegalStateException.class,
                () -> admission.admit(impatient, _ -> {
                    admission.lineUp(patient);
                    throw new IllegalStateException("enough");
                }));
        admission.leave();
        assertTrue(patient.isAdmitted());
        assertFalse(impatient.isAdmitted());
    }

    @Test
    void aPlaceThatCameTooLateIsTheNextOnes() {
        var admission = new Admission(1);
        assertTrue(admission.tryAdmit());
        var impatient = new Caller();
        var patient = new Caller();
        assertThrows(
                IllegalStateException.class,
                () -> admission.admit(impatient, condition -> {
                    admission.lineUp(patient);
                    admission.leave();
                    assertTrue(condition.getAsBoolean());
                    throw new IllegalStateException("enough");
                }));
        assertTrue(patient.isAdmitted());
        assertEquals(1, admission.admittedCount());
    }
}
