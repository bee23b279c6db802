package io.nyala.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.testkit.Seed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** Goal: the well-known checksum, also in parts. Method: the published check value, and random cuts. */
final class Crc32cTest {
    @Test
    void isTheWellKnownOne() {
        var text = MemorySegment.ofArray("123456789".getBytes(StandardCharsets.US_ASCII));
        assertEquals(0xE306_9283, Crc32c.of(text, 0, 9));
        assertEquals(Crc32c.EMPTY, Crc32c.of(text, 4, 0));
    }

    @RepeatedTest(50)
    void goesOnWhereItStopped(@Seed SplittableRandom random) {
        try (Arena arena = Arena.ofConfined()) {
            int bytes = random.nextInt(1, 3_000);
            MemorySegment segment = arena.allocate(bytes);
            for (int i = 0; i < bytes; i++) {
                segment.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
            }
            int crc = Crc32c.EMPTY;
            for (int at = 0; at < bytes; ) {
                int part = random.nextInt(bytes - at + 1);
                crc = Crc32c.update(crc, segment, at, part);
                at += part;
            }
            assertEquals(Crc32c.of(segment, 0, bytes), crc);
        }
    }
}
