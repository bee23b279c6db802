package io.nyala.memrowset;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeSet;

/** Keys for tests, of every shape that matters to a tree with 8-byte prefixes. */
final class Keysets {
    private Keysets() {}

    /** About so many distinct keys, of one drawn shape and in one drawn order. */
    static List<byte[]> draw(SplittableRandom random, int count) {
        int shape = random.nextInt(5);
        var keys = new TreeSet<byte[]>(Arrays::compareUnsigned);
        for (int i = 0; keys.size() < count && i < count * 4; i++) {
            keys.add(one(random, shape, count));
        }
        var list = new ArrayList<>(keys);
        switch (random.nextInt(4)) {
            case 0 -> {}
            case 1 -> Collections.reverse(list);
            case 2 -> shuffle(list, random);
            default -> interleave(list, random.nextInt(2, 9));
        }
        return list;
    }

    private static byte[] one(SplittableRandom random, int shape, int count) {
        return switch (shape) {
            case 0 -> ofLong(random.nextLong());
            case 1 -> ofLong(random.nextLong(count)); // Dense.
            case 2 -> bytes(random, random.nextInt(1, 5), 2 + count / 1_000); // Short ones, prefixes of each other.
            case 3 -> { // All prefixes are equal; some keys are long.
                byte[] tail = bytes(random, random.nextInt(1, random.nextInt(10) == 0 ? 300 : 8), 3 + count / 500);
                byte[] key = new byte[8 + tail.length];
                Arrays.fill(key, 0, 8, (byte) (random.nextInt(3) == 0 ? 0xff : 0));
                System.arraycopy(tail, 0, key, 8, tail.length);
                yield key;
            }
            default -> { // (int64, int32): a few rows share each prefix.
                yield ByteBuffer.allocate(12)
                        .putLong(random.nextLong(1 + count / 4) ^ Long.MIN_VALUE)
                        .putInt(random.nextInt(8) ^ Integer.MIN_VALUE)
                        .array();
            }
        };
    }

    /** A key that may or may not be there. */
    static byte[] near(SplittableRandom random, byte[] key) {
        byte[] other = Arrays.copyOf(key, Math.max(1, key.length + random.nextInt(-1, 2)));
        other[other.length - 1] = (byte) (other[other.length - 1] + random.nextInt(-1, 2));
        return other;
    }

    static byte[] ofLong(long value) {
        return ByteBuffer.allocate(Long.BYTES).putLong(value).array();
    }

    private static byte[] bytes(SplittableRandom random, int length, int alphabet) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) random.nextInt(Math.min(alphabet, 256));
        }
        return bytes;
    }

    private static void shuffle(List<byte[]> keys, SplittableRandom random) {
        Collections.shuffle(keys, Random.from(random));
    }

    /** Several ascending runs at once. */
    private static void interleave(List<byte[]> keys, int runs) {
        var target = new ArrayList<byte[]>(keys.size());
        int step = Math.ceilDiv(keys.size(), runs);
        for (int i = 0; i < step; i++) {
            for (int at = i; at < keys.size(); at += step) {
                target.add(keys.get(at));
            }
        }
        keys.clear();
        keys.addAll(target);
    }
}
