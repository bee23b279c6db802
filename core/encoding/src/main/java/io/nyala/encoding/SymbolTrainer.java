package io.nyala.encoding;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Finds the symbols for a sample of strings, as the paper does (Boncz, Neumann, Leis: FSST, VLDB 2020): in some
 * rounds, the sample is written by the symbols of the round before; each symbol used, and each two that followed one
 * another, as one, become candidates; those that stand for the most bytes are the symbols of the next round.
 *
 * <p>The same sample always gives the same symbols. A reusable part of {@link EncoderScratch}, for one thread.
 */
final class SymbolTrainer {
    /** More makes symbols hardly better, and takes more heap for candidates. */
    private static final int SAMPLE_BYTES = 5 << 10;

    /** Of one string, so that a sample has several. */
    private static final int STRING_BYTES_MAX = 512;

    private static final int ROUNDS = 5;

    /** What is seen less often in the sample does not pay for its place in the table. */
    private static final int COUNT_MIN = 3;

    /** A byte without a symbol takes two, which is worth more than its one byte says. */
    private static final int SINGLE_BYTE_WEIGHT = 8;

    private static final int SLOT_BITS = 14;
    private static final int SLOTS = 1 << SLOT_BITS;

    // Candidates: a hash table from words and lengths to counts.
    private final long[] words = new long[SLOTS];
    private final byte[] lengths = new byte[SLOTS];
    private final int[] counts = new int[SLOTS];
    private final int[] used = new int[SLOTS];
    private int usedCount;

    // The best of them: a heap whose first is the worst, and what the slots hold.
    private final long[] best = new long[SymbolTable.SYMBOLS_MAX];
    private final long[] bestWords = new long[SymbolTable.SYMBOLS_MAX];
    private final int[] bestLengths = new int[SymbolTable.SYMBOLS_MAX];
    private int bestCount;

    static {
        // Each place gives at most three candidates, and the table is less than full.
        assert SLOTS > 3 * SAMPLE_BYTES : "a probe ends";
    }

    void train(FlatBinary source, int count, SymbolTable table) {
        table.clear();
        long bytes = source.offset(count) - (long) source.offset(0);
        int step = (int) Math.max(1, bytes / SAMPLE_BYTES);
        for (int round = 0; round < ROUNDS; round++) {
            int left = SAMPLE_BYTES;
            for (int i = 0; i < count && left > 0; i += step) {
                int part = Math.min(left, Math.min(source.bytes(i), STRING_BYTES_MAX));
                countIn(source.bytes(), source.start(i), part, table);
                left -= part;
            }
            takeBest();
            table.set(bestWords, bestLengths, bestCount);
        }
    }

    private void countIn(MemorySegment source, long start, int bytes, SymbolTable table) {
        long previous = 0;
        int previousBytes = 0;
        for (int at = 0; at < bytes; ) {
            long word = source.get(Cells.LONG, start + at);
            int code = table.longest(word, Math.min(SymbolTable.SYMBOL_BYTES_MAX, bytes - at));
            int length = code < 0 ? 1 : table.length(code);
            long symbol = word & SymbolTable.mask(length);
            add(symbol, length);
            if (previousBytes > 0) {
                addBoth(previous, previousBytes, symbol, length);
                if (length > 1) {
                    addBoth(previous, previousBytes, symbol & 0xFF, 1);
                }
            }
            previous = symbol;
            previousBytes = length;
            at += length;
        }
    }

    private void addBoth(long first, int firstBytes, long second, int secondBytes) {
        if (firstBytes + secondBytes <= SymbolTable.SYMBOL_BYTES_MAX) {
            add(first | second << (firstBytes * Byte.SIZE), firstBytes + secondBytes);
        }
    }

    private void add(long word, int length) {
        int slot = (int) (((word + length) * 0x9E37_79B9_7F4A_7C15L) >>> (Long.SIZE - SLOT_BITS));
        while (counts[slot] > 0 && (words[slot] != word || lengths[slot] != length)) {
            slot = (slot + 1) & (SLOTS - 1);
        }
        if (counts[slot]++ == 0) {
            words[slot] = word;
            lengths[slot] = (byte) length;
            used[usedCount++] = slot;
        }
    }

    /** Keeps those that stand for the most bytes, of equals those in the later slots, and empties the table. */
    private void takeBest() {
        bestCount = 0;
        for (int i = 0; i < usedCount; i++) {
            int slot = used[i];
            if (counts[slot] >= COUNT_MIN) {
                long weight = lengths[slot] == 1 ? SINGLE_BYTE_WEIGHT : lengths[slot];
                offer(((counts[slot] * weight) << SLOT_BITS) | slot);
            }
        }
        for (int i = 0; i < bestCount; i++) {
            int slot = (int) best[i] & (SLOTS - 1);
            bestWords[i] = words[slot];
            bestLengths[i] = lengths[slot];
        }
        for (int i = 0; i < usedCount; i++) {
            counts[used[i]] = 0;
        }
        usedCount = 0;
    }

    private void offer(long candidate) {
        if (bestCount < best.length) {
            best[bestCount++] = candidate;
            if (bestCount == best.length) {
                Arrays.sort(best); // Ascending is a heap; so few are sorted in place.
            }
        } else if (candidate > best[0]) {
            sink(candidate);
        }
    }

    /** Puts it in place of the worst, and where it belongs. */
    private void sink(long candidate) {
        int at = 0;
        for (int child = 1; child < bestCount; child = 2 * at + 1) {
            if (child + 1 < bestCount && best[child + 1] < best[child]) {
                child++;
            }
            if (candidate <= best[child]) {
                break;
            }
            best[at] = best[child];
            at = child;
        }
        best[at] = candidate;
    }
}
