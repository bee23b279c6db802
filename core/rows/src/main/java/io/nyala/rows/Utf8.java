package io.nyala.rows;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/** Strings to UTF-8 in native memory without garbage, and cutting UTF-8 to a number of characters. Stateless. */
final class Utf8 {
    /** Of a {@code char}: a surrogate pair is two of them and takes four bytes. */
    static final int BYTES_PER_CHAR_MAX = 3;

    /** How far behind the limit {@link #encode} may write before it notices. */
    static final int SLACK_BYTES = 4;

    /** Answer of {@link #encode}: half of a surrogate pair. */
    static final int MALFORMED = -1;

    /** Answer of {@link #encode}: more bytes than allowed. */
    static final int TOO_LONG = -2;

    private Utf8() {}

    /**
     * Encodes at most {@code charsMax} characters (code points); answers the bytes, {@link #MALFORMED} or {@link
     * #TOO_LONG}. The target has room for all, or for {@code bytesMax} and {@link #SLACK_BYTES}.
     */
    static int encode(String text, int charsMax, MemorySegment target, long offset, int bytesMax) {
        long at = offset;
        int length = text.length();
        int chars = 0;
        for (int i = 0; i < length && chars < charsMax; i++, chars++) {
            char c = text.charAt(i);
            if (c < 0x80) {
                target.set(JAVA_BYTE, at++, (byte) c);
            } else if (c < 0x800) {
                target.set(JAVA_BYTE, at++, (byte) (0xc0 | c >> 6));
                target.set(JAVA_BYTE, at++, (byte) (0x80 | (c & 0x3f)));
            } else if (!Character.isSurrogate(c)) {
                target.set(JAVA_BYTE, at++, (byte) (0xe0 | c >> 12));
                target.set(JAVA_BYTE, at++, (byte) (0x80 | (c >> 6 & 0x3f)));
                target.set(JAVA_BYTE, at++, (byte) (0x80 | (c & 0x3f)));
            } else {
                if (Character.isLowSurrogate(c) || i + 1 == length || !Character.isLowSurrogate(text.charAt(i + 1))) {
                    return MALFORMED;
                }
                at = encodePair(Character.toCodePoint(c, text.charAt(++i)), target, at);
            }
            if (at - offset > bytesMax) {
                return TOO_LONG;
            }
        }
        return (int) (at - offset);
    }

    private static long encodePair(int codePoint, MemorySegment target, long at) {
        target.set(JAVA_BYTE, at, (byte) (0xf0 | codePoint >> 18));
        target.set(JAVA_BYTE, at + 1, (byte) (0x80 | (codePoint >> 12 & 0x3f)));
        target.set(JAVA_BYTE, at + 2, (byte) (0x80 | (codePoint >> 6 & 0x3f)));
        target.set(JAVA_BYTE, at + 3, (byte) (0x80 | (codePoint & 0x3f)));
        return at + 4;
    }

    /** Bytes of the first {@code charsMax} characters: each begins at a byte that continues no other. */
    static int prefixBytes(byte[] text, int offset, int count, int charsMax) {
        if (count <= charsMax) {
            return count;
        }
        int chars = 0;
        for (int i = 0; i < count; i++) {
            if (isStart(text[offset + i]) && chars++ == charsMax) {
                return i;
            }
        }
        return count;
    }

    /** As {@link #prefixBytes(byte[], int, int, int)}, in memory. */
    static int prefixBytes(MemorySegment text, long offset, int count, int charsMax) {
        if (count <= charsMax) {
            return count;
        }
        int chars = 0;
        for (int i = 0; i < count; i++) {
            if (isStart(text.get(JAVA_BYTE, offset + i)) && chars++ == charsMax) {
                return i;
            }
        }
        return count;
    }

    private static boolean isStart(byte b) {
        return (b & 0xc0) != 0x80;
    }
}
