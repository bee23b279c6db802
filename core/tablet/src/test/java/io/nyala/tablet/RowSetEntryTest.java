package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Limits;
import io.nyala.testkit.Seed;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: the range of a rowset in the storage log has all of its keys, and takes little room however long they are.
 * Method: random keys, many of them long and of the largest byte.
 */
final class RowSetEntryTest {
    @RepeatedTest(64)
    void longKeysAreCutOutwards(@Seed SplittableRandom random) {
        byte[] some = key(random);
        byte[] other = key(random);
        boolean isOrdered = Arrays.compareUnsigned(some, other) <= 0;
        byte[] min = isOrdered ? some : other;
        byte[] max = isOrdered ? other : some;
        RowSetEntry entry = RowSetEntry.of(1, 2, 3, min, max, 4);
        assertTrue(Arrays.compareUnsigned(entry.minKey(), min) <= 0, "the least key is in the range");
        assertTrue(Arrays.compareUnsigned(entry.maxKey(), max) >= 0, "the greatest key is in the range");
        assertTrue(entry.minKey().length <= RowSetEntry.KEY_BYTES_MAX);
        assertTrue(entry.maxKey().length <= RowSetEntry.KEY_BYTES_MAX);
        if (min.length <= RowSetEntry.KEY_BYTES_MAX && max.length <= RowSetEntry.KEY_BYTES_MAX) {
            assertArrayEquals(min, entry.minKey());
            assertArrayEquals(max, entry.maxKey());
        }
    }

    @Test
    void aKeyThatNothingShorterIsAboveStaysWhole() {
        byte[] key = new byte[Limits.KEY_BYTES_MAX];
        Arrays.fill(key, (byte) 0xff);
        assertArrayEquals(key, RowSetEntry.of(1, 2, 3, key, key, 4).maxKey());
    }

    private static byte[] key(SplittableRandom random) {
        int bytes = random.nextBoolean()
                ? random.nextInt(1, RowSetEntry.KEY_BYTES_MAX)
                : random.nextInt(RowSetEntry.KEY_BYTES_MAX, Limits.KEY_BYTES_MAX + 1);
        byte[] key = new byte[bytes];
        random.nextBytes(key);
        if (random.nextBoolean()) {
            Arrays.fill(key, 1, bytes, (byte) 0xff);
            key[0] = 7;
        }
        return key;
    }
}
