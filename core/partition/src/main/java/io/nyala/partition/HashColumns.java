package io.nyala.partition;

import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;

/**
 * A hash level made ready for rows: hashes the encoded form of its columns without writing it down. That form is the
 * key of a table that had these columns only; where the row's bytes have another one (a string in the middle of the key
 * that is the last here, or the other way round), zero bytes change on the way into the hash.
 *
 * <p>Immutable and shared; nothing allocates.
 */
final class HashColumns {
    private static final int ESCAPED_ZERO = 0x0100; // 00 01, the first one lowest.

    private final KeyCells cells;
    private final HashLevel level;
    private final int[] columns;
    private final int fixedBytes;

    HashColumns(KeyCells cells, HashLevel level) {
        RowLayout layout = cells.layout();
        this.cells = cells;
        this.level = level;
        this.columns =
                level.columnIds().stream().mapToInt(layout.schema()::indexOfId).toArray();
        int bytes = 0;
        for (int i = 0; i < columns.length; i++) {
            int marks = isLast(i) ? 0 : Short.BYTES;
            bytes += layout.isVariable(columns[i]) ? marks : layout.cellBytes(columns[i]);
        }
        this.fixedBytes = bytes;
    }

    int buckets() {
        return level.buckets();
    }

    /** The bucket of a row, or of the row with this key. */
    int bucket(MemorySegment memory, long base, int keyBytes) {
        return level.bucketOf(hash(memory, base, keyBytes));
    }

    long hash(MemorySegment memory, long base, int keyBytes) {
        RowLayout layout = cells.layout();
        long hash = Murmur2.start(level.seed(), encodedBytes(memory, base, keyBytes));
        long held = 0;
        for (int i = 0; i < columns.length; i++) {
            int column = columns[i];
            if (!layout.isVariable(column)) {
                int width = Math.min(layout.cellBytes(column), Long.BYTES);
                long word = encoded(cells.high(memory, base, keyBytes, column), width);
                hash = Murmur2.absorb(hash, held, word, width);
                held = Murmur2.hold(held, word, width);
                if (layout.cellBytes(column) > Long.BYTES) {
                    word = Long.reverseBytes(cells.low(memory, base, keyBytes, column));
                    hash = Murmur2.absorb(hash, held, word, Long.BYTES);
                    held = Murmur2.hold(held, word, Long.BYTES);
                }
                continue;
            }
            long at = cells.start(memory, base, keyBytes, column);
            long end = cells.end(memory, base, keyBytes, column, at);
            boolean isEscaped = cells.isEscaped(keyBytes, column);
            boolean converts = isEscaped == isLast(i);
            while (at < end) {
                int bytes = converts ? Words.bytesBeforeZero(memory, at, end) : (int) Math.min(Long.BYTES, end - at);
                long word = Words.load(memory, at, bytes);
                at += bytes;
                if (bytes == 0) { // A zero byte, which has another form here.
                    word = isEscaped ? 0 : ESCAPED_ZERO;
                    at += isEscaped ? Short.BYTES : Byte.BYTES;
                    bytes = isEscaped ? Byte.BYTES : Short.BYTES;
                }
                hash = Murmur2.absorb(hash, held, word, bytes);
                held = Murmur2.hold(held, word, bytes);
            }
            if (!isLast(i)) {
                hash = Murmur2.absorb(hash, held, 0, Short.BYTES);
                held = Murmur2.hold(held, 0, Short.BYTES);
            }
        }
        return Murmur2.finish(hash, held);
    }

    private boolean isLast(int i) {
        return i == columns.length - 1;
    }

    /** The value as it stands in a key: big-endian, sign bit flipped. */
    private static long encoded(long value, int width) {
        return Long.reverseBytes(value << (Long.SIZE - width * Byte.SIZE) ^ Long.MIN_VALUE);
    }

    private int encodedBytes(MemorySegment memory, long base, int keyBytes) {
        int bytes = fixedBytes;
        for (int i = 0; i < columns.length; i++) {
            int column = columns[i];
            if (cells.layout().isVariable(column)) {
                long start = cells.start(memory, base, keyBytes, column);
                long end = cells.end(memory, base, keyBytes, column, start);
                bytes += (int) (end - start);
                boolean isEscaped = cells.isEscaped(keyBytes, column);
                if (isEscaped == isLast(i)) {
                    int zeros = Words.countZeros(memory, start, end);
                    bytes += isEscaped ? -zeros : zeros;
                }
            }
        }
        return bytes;
    }
}
