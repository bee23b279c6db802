package io.nyala.text;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** Goal: people can read figures of any size. Method: figures on both sides of each change of unit. */
final class FiguresTest {
    @Test
    void bytesHaveTheUnitThatSuits() {
        assertEquals("0 B", Figures.bytes(0));
        assertEquals("1023 B", Figures.bytes(1023));
        assertEquals("1.0 KiB", Figures.bytes(1024));
        assertEquals("64.0 MiB", Figures.bytes(64L << 20));
        assertEquals("8,388,608.0 TiB", Figures.bytes(Long.MAX_VALUE));
    }

    @Test
    void durationsHaveTheUnitThatSuits() {
        assertEquals("999 us", Figures.duration(999_999));
        assertEquals("1.0 ms", Figures.duration(1_000_000));
        assertEquals("1,500.00 s", Figures.duration(1_500_000_000_000L));
    }

    @Test
    void oneIsNotMany() {
        assertEquals("1 table", Figures.count(1, "table", "tables"));
        assertEquals("1,000 tables", Figures.count(1000, "table", "tables"));
        assertEquals("0 tables", Figures.count(0, "table", "tables"));
    }

    @Test
    void noTimeIsNoRate() {
        assertEquals(0, Figures.perSecond(5, 0));
        assertEquals(2_000, Figures.perSecond(1, 500_000));
    }
}
