package io.nyala.simulation;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Bytes as a value, ordered as unsigned bytes: what a model holds for a STRING, VARCHAR or BINARY cell. Immutable (the
 * array is not to be changed).
 */
public final class Bytes implements Comparable<Bytes> {
    private static final int TEXT_BYTES_MAX = 24;

    private final byte[] array;

    public Bytes(byte[] array) {
        this.array = array;
    }

    public static Bytes ofText(String text) {
        return new Bytes(text.getBytes(StandardCharsets.UTF_8));
    }

    public byte[] array() {
        return array;
    }

    /** Whether it is well-formed UTF-8, so that nothing is lost on the way through a String. */
    public boolean isText() {
        return Arrays.equals(new String(array, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8), array);
    }

    public String text() {
        return new String(array, StandardCharsets.UTF_8);
    }

    /** The first so many characters (code points) of UTF-8, which need not be well-formed. */
    public Bytes cutTo(int charsMax) {
        int chars = 0;
        for (int i = 0; i < array.length; i++) {
            boolean isStart = (array[i] & 0xc0) != 0x80;
            if (isStart && chars++ == charsMax) {
                return new Bytes(Arrays.copyOf(array, i));
            }
        }
        return this;
    }

    @Override
    public int compareTo(Bytes other) {
        return Arrays.compareUnsigned(array, other.array);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Bytes bytes && Arrays.equals(array, bytes.array);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(array);
    }

    /** Printable ASCII as it is, other bytes as {@code \xx}; long ones by their beginning, length and hash. */
    @Override
    public String toString() {
        var text = new StringBuilder("'");
        for (int i = 0; i < Math.min(array.length, TEXT_BYTES_MAX); i++) {
            char c = (char) (array[i] & 0xff);
            text.append(
                    c > ' ' && c < 0x7f && c != '\\'
                            ? String.valueOf(c)
                            : "\\" + HexFormat.of().toHexDigits(array[i]));
        }
        if (array.length > TEXT_BYTES_MAX) {
            text.append("...").append(array.length).append('#').append(Integer.toHexString(hashCode()));
        }
        return text.append('\'').toString();
    }
}
