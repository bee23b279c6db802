package io.nyala.testkit;

import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

/**
 * Goal: a message is held to every part that it must have.
 * Method: one exception, with parts that are there and one that is not.
 */
final class FailureTest {
    private final IllegalStateException thrown = new IllegalStateException("log 7 is full, remove a segment");

    @Test
    void answersWhatWasThrown() {
        assertSame(thrown, Failure.expect(IllegalStateException.class, this::fail, "log 7", "segment"));
    }

    @Test
    void failsWithoutOneOfTheParts() {
        assertThrows(
                AssertionError.class,
                () -> Failure.expect(IllegalStateException.class, this::fail, "log 7", "byte 12"));
    }

    @Test
    void failsIfNothingIsThrown() {
        assertThrows(AssertionError.class, () -> Failure.expect(IllegalStateException.class, () -> {}));
    }

    private void fail() {
        throw thrown;
    }
}
