package io.nyala.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Goal: messages name the value, the rule and what it was. Method: each check at its border, on both sides. */
final class CheckTest {
    @Test
    void saysWhatIsWrong() {
        assertMessage("segmentBytes must be a power of two, was 3", () -> Check.powerOfTwo("segmentBytes", 3));
        assertMessage("segmentBytes must be a power of two, was 0", () -> Check.powerOfTwo("segmentBytes", 0));
        assertMessage("n must be between -1 and 1,000, was 1,001", () -> Check.inRange("n", 1001, -1, 1000));
        assertMessage("n must be between -1 and 1,000, was -1,234,567", () -> Check.inRange("n", -1234567, -1, 1000));
        assertMessage("n must be zero or more, was -100", () -> Check.notNegative("n", -100));
        assertMessage("n must be more than zero, was 0", () -> Check.positive("n", 0));
        assertMessage("n must be a multiple of 4,096, was 512", () -> Check.multipleOf("n", 512, 4096));
        assertMessage("all is lost", () -> Check.that(false, "all is lost"));
        assertMessage("row must lie within 10 bytes, was 3 bytes at 8", () -> Check.within("row", 8, 3, 10));
        assertMessage(
                "row must lie within 10 bytes, was 9,223,372,036,854,775,807 bytes at 8",
                () -> Check.within("row", 8, Long.MAX_VALUE, 10));
    }

    @Test
    void letsPassWhatIsRight() {
        Check.powerOfTwo("n", 1);
        Check.powerOfTwo("n", 1L << 62);
        Check.inRange("n", -1, -1, 1000);
        Check.inRange("n", 1000, -1, 1000);
        Check.notNegative("n", 0);
        Check.positive("n", 1);
        Check.multipleOf("n", 0, 8);
        Check.within("row", 8, 2, 10);
        Check.within("row", 10, 0, 10);
        Check.that(true, "");
    }

    private static void assertMessage(String message, Executable wrong) {
        assertEquals(
                message, assertThrows(IllegalArgumentException.class, wrong).getMessage());
    }
}
