package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Goal: clients cannot fill a log, and what is left out is counted.
 * Method: many lines at times of our own.
 */
final class QuietLogTest {
    @Test
    void writesTheFirstLinesOfASecondAndCountsTheOthers() {
        List<String> lines = new ArrayList<>();
        long[] nanos = {-1};
        QuietLog log = new QuietLog(new LineLogger(lines), () -> nanos[0], 3);
        for (int i = 0; i < 10; i++) {
            int number = i;
            nanos[0] = i;
            log.log(Level.INFO, () -> "line " + number);
        }
        nanos[0] = TimeUnit.SECONDS.toNanos(1) - 1;
        log.log(Level.INFO, () -> "later");
        nanos[0]++;
        log.log(Level.INFO, () -> "last");
        log.log(Level.TRACE, () -> "not asked for");
        assertEquals(List.of("line 0", "line 1", "line 2", "later (7 similar lines were left out)", "last"), lines);
    }
}
