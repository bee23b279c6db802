package io.nyala.testkit;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Bytes that went wrong: flipped, cut, doubled, made extreme. Stateless. */
public final class Mutations {
    private static final byte[] EXTREMES = {0, 1, 0x7F, (byte) 0x80, (byte) 0xFF, 8, 3, 10};

    private Mutations() {}

    /** A changed copy, with one to three changes. */
    public static byte[] of(byte[] bytes, SplittableRandom random) {
        byte[] changed = bytes.clone();
        for (int i = random.nextInt(1, 4); i > 0 && changed.length > 0; i--) {
            changed = once(changed, random);
        }
        return changed;
    }

    private static byte[] once(byte[] bytes, SplittableRandom random) {
        int at = random.nextInt(bytes.length);
        switch (random.nextInt(6)) {
            case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> bytes[at] = EXTREMES[random.nextInt(EXTREMES.length)];
            case 2 -> bytes[at] = (byte) random.nextInt();
            case 3 -> {
                return cutOut(bytes, at, random.nextInt(at, bytes.length) + 1);
            }
            case 4 -> {
                int end = Math.min(bytes.length, at + random.nextInt(1, 12));
                return join(head(bytes, end), tail(bytes, at)); // Some bytes twice.
            }
            default -> {
                return join(head(bytes, at), new byte[] {(byte) random.nextInt()}, tail(bytes, at));
            }
        }
        return bytes;
    }

    private static byte[] cutOut(byte[] bytes, int from, int to) {
        return join(head(bytes, from), tail(bytes, to));
    }

    private static byte[] head(byte[] bytes, int end) {
        return Arrays.copyOf(bytes, end);
    }

    private static byte[] tail(byte[] bytes, int from) {
        return Arrays.copyOfRange(bytes, from, bytes.length);
    }

    private static byte[] join(byte[]... parts) {
        var all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }
}
