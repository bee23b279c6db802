package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Goal: who waits for much work reads how far it is, who does not wait reads nothing. Method: a clock of its own. */
final class ProgressTest {
    private static final long SECOND_NANOS = 1_000_000_000;

    private final List<String> lines = new ArrayList<>();
    private long nanos = 7;
    private final Tablets.Progress progress =
            new Tablets.Progress(() -> nanos, lines::add, done -> done + " of many are there");

    @Test
    void whatIsQuickSaysNothing() {
        for (int i = 0; i < 1_000; i++) {
            progress.one();
        }
        nanos += Tablets.Progress.LINE_NANOS - 1;
        progress.one();
        assertEquals(List.of(), lines);
    }

    @Test
    void whatTakesLongSaysALineEachFewSeconds() {
        for (int second = 1; second <= 17; second++) {
            nanos += SECOND_NANOS;
            progress.one();
            progress.one();
        }
        assertEquals(List.of("9 of many are there", "19 of many are there", "29 of many are there"), lines);
    }
}
