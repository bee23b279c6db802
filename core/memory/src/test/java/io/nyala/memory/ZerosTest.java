package io.nyala.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.testkit.Seed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: exactly the bytes asked for become zero.
 * Method: random ranges of every size class, also unaligned ones, in memory full of ones.
 */
final class ZerosTest {
    private static final int BYTES = 20_000;

    @RepeatedTest(200)
    void setsTheRangeAndNothingElse(@Seed SplittableRandom random) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(BYTES);
            memory.fill((byte) 1);
            int bytes = random.nextInt(1 << random.nextInt(1, 15));
            int start = random.nextInt(BYTES - bytes);
            Zeros.fill(memory, start, bytes);
            for (int i = 0; i < BYTES; i++) {
                int expected = i >= start && i < start + bytes ? 0 : 1;
                assertEquals(expected, memory.get(ValueLayout.JAVA_BYTE, i), "byte " + i);
            }
        }
    }
}
