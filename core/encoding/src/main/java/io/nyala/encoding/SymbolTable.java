package io.nyala.encoding;

import io.nyala.memory.Check;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Up to 255 symbols of 1 to 8 bytes, by which {@link FsstVector} writes strings: at each place the longest symbol that
 * the string goes on with, or, where there is none, an escape and the byte itself. Symbols are numbered by their
 * length, the shortest first.
 *
 * <p>For one thread. Allocates nothing after it was made.
 */
final class SymbolTable {
    static final int SYMBOLS_MAX = 255;
    static final int SYMBOL_BYTES_MAX = 8;

    /** Before a byte that stands for itself. */
    static final int ESCAPE = 255;

    private final long[] words = new long[SYMBOLS_MAX];
    private final int[] lengths = new int[SYMBOLS_MAX];

    /** Codes by the first byte of their symbols, the longest symbols first; and where those of each byte begin. */
    private final int[] byFirst = new int[SYMBOLS_MAX];

    private final int[] starts = new int[257];
    private int count;
    private int symbolBytes;

    /** The lowest {@code bytes} bytes of a word, 1 to 8. */
    static long mask(int bytes) {
        return -1L >>> (Long.SIZE - bytes * Byte.SIZE);
    }

    void clear() {
        count = 0;
        symbolBytes = 0;
        Arrays.fill(starts, 0);
    }

    /** Takes these symbols, which are distinct: word {@code i}, zero behind its {@code lengths[i]} bytes. */
    void set(long[] newWords, int[] newLengths, int newCount) {
        Check.inRange("symbols", newCount, 0, SYMBOLS_MAX);
        clear();
        for (int bytes = 1; bytes <= SYMBOL_BYTES_MAX; bytes++) {
            for (int i = 0; i < newCount; i++) {
                if (newLengths[i] == bytes) {
                    words[count] = newWords[i];
                    lengths[count++] = bytes;
                    symbolBytes += bytes;
                }
            }
        }
        for (int code = 0; code < count; code++) {
            starts[firstByte(code) + 1]++;
        }
        for (int i = 1; i < starts.length; i++) {
            starts[i] += starts[i - 1];
        }
        for (int code = 0; code < count; code++) { // From the end of each bucket on, since the longest come last.
            byFirst[--starts[firstByte(code) + 1]] = code;
        }
        // Each start moved to that of its own bucket, one place too far.
        System.arraycopy(starts, 1, starts, 0, starts.length - 1);
        starts[starts.length - 1] = count;
    }

    private int firstByte(int code) {
        return (int) words[code] & 0xFF;
    }

    int count() {
        return count;
    }

    /** Bytes of all symbols. */
    int symbolBytes() {
        return symbolBytes;
    }

    long word(int code) {
        return words[code];
    }

    int length(int code) {
        return lengths[code];
    }

    /** The code of the longest symbol that {@code word}, of which {@code available} bytes count, begins with, or -1. */
    int longest(long word, int available) {
        int first = (int) word & 0xFF;
        for (int i = starts[first]; i < starts[first + 1]; i++) {
            int code = byFirst[i];
            int bytes = lengths[code];
            if (bytes <= available && ((word ^ words[code]) & mask(bytes)) == 0) {
                return code;
            }
        }
        return -1;
    }

    /**
     * Writes the codes of {@code source[at, end)}, at most two bytes for each byte; answers the bytes written. Up to 7
     * bytes behind the end are read.
     */
    int encode(MemorySegment source, long at, long end, MemorySegment target, long targetOffset) {
        long position = targetOffset;
        long next = at;
        while (next < end) {
            long word = source.get(Cells.LONG, next);
            int code = longest(word, (int) Math.min(SYMBOL_BYTES_MAX, end - next));
            if (code >= 0) {
                target.set(Cells.BYTE, position++, (byte) code);
                next += lengths[code];
            } else {
                target.set(Cells.BYTE, position++, (byte) ESCAPE);
                target.set(Cells.BYTE, position++, (byte) word);
                next++;
            }
        }
        return (int) (position - targetOffset);
    }
}
