package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Goal: layouts can be recorded anew when rowsets are written differently, in the form that the policy's tests read.
 * Method: a load of few rows.
 */
final class LayoutRecorderTest {
    @Test
    void recordsALineForEachRowSet() {
        String recorded = LayoutRecorder.record(LayoutRecorder.Load.ASCENDING, 10);
        List<String> lines = recorded.lines().toList();
        assertEquals(22, lines.size(), recorded);
        assertTrue(lines.getFirst().startsWith("# Recorded by LayoutRecorder "), recorded);
        assertEquals("rowsets of 65536 bytes", lines.get(1));
        for (int i = 0; i < 20; i++) {
            String line = lines.get(i + 2);
            String keys = " keys " + 10 * i + " " + (10 * i + 9);
            assertTrue(line.matches("rowset \\d+" + keys + " rows 10 bytes \\d+"), line);
        }
    }
}
