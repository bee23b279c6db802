package io.nyala.table;

import io.nyala.memory.Check;
import io.nyala.rows.KeyRange;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A range of keys of one tablet in pieces of about the same size, so that several can read it.
 *
 * <pre>{@code
 *   rowset    |--------|--------|--------|                    parts of its outline, by where they begin
 *   rowset            |-----|-----|-----|-----|-----|
 *   memory      |-------------------|---------------------|
 *
 *   pieces    |------------|---------|---------|---------|    each ends where the sum reaches its share
 * }</pre>
 *
 * <p>Sizes are estimates: what is said to begin at a key may lie up to one part behind it. Nothing is read from disk.
 * Collects what rowsets tell; one thread.
 */
public final class KeyPieces {
    /** More pieces are not made, however small they are wanted: each is a scan to be opened. */
    public static final int PIECES_MAX = 1_024;

    /** Parts of each rowset in a piece, when all rowsets have the same keys; more make pieces more alike. */
    private static final int PARTS_PER_PIECE = 8;

    /** What is kept for a moment of a tablet, however many rowsets it has. */
    private static final int PARTS_MAX = 1 << 16;

    private final KeyRange range;
    private final List<Part> parts = new ArrayList<>();
    private long bytes;

    @SuppressWarnings("ArrayRecordComponent") // Never compared.
    private record Part(byte[] firstKey, long bytes) {}

    /**
     * A piece.
     *
     * @param keys from the last piece's end; the first and the last have the bounds of the whole range
     * @param bytes of rows and changes in it, as an estimate
     */
    public record Piece(KeyRange keys, long bytes) {}

    private KeyPieces(KeyRange range) {
        this.range = range;
    }

    /**
     * Divides a range, with nobody closing the tablet meanwhile. Pieces are in the order of their keys, and together
     * are the range; where that is empty there are none.
     *
     * @param columnIds of the columns whose bytes count; none for all
     * @param targetBytes of a piece
     */
    public static List<Piece> of(Tablet tablet, KeyRange range, int[] columnIds, long targetBytes) {
        Check.inRange("target bytes of a piece", targetBytes, 1, Long.MAX_VALUE);
        if (range.isEmpty()) {
            return List.of();
        }
        long storedBytes = tablet.diskBytes() + tablet.memoryBytes();
        long least = Math.max(storedBytes / PARTS_MAX, storedBytes / PIECES_MAX / PARTS_PER_PIECE);
        long partBytes = Math.max(1 + least, targetBytes / PARTS_PER_PIECE / (1 + tablet.rowSetCount()));
        var pieces = new KeyPieces(range);
        TabletView.outline(tablet, range, columnIds, partBytes, pieces::add);
        return pieces.divide(targetBytes);
    }

    private void add(byte[] firstKey, long partBytes) {
        parts.add(new Part(firstKey, partBytes));
        bytes += partBytes;
    }

    private List<Piece> divide(long targetBytes) {
        parts.sort((left, right) -> Arrays.compareUnsigned(left.firstKey(), right.firstKey()));
        long wanted = bytes / targetBytes + (bytes % targetBytes > targetBytes / 2 ? 1 : 0);
        int count = Math.clamp(wanted, 1, PIECES_MAX);
        List<Piece> pieces = new ArrayList<>();
        KeyRange rest = range;
        long before = 0; // Of the pieces that are complete.
        long sum = 0;
        for (Part part : parts) {
            boolean isFull = sum > before && sum >= share(pieces.size() + 1, count);
            if (isFull && isWithin(part.firstKey(), rest)) {
                pieces.add(new Piece(new KeyRange(rest.lower(), part.firstKey()), sum - before));
                rest = new KeyRange(part.firstKey(), rest.upper());
                before = sum;
            }
            sum += part.bytes();
        }
        pieces.add(new Piece(rest, sum - before));
        return pieces;
    }

    /** What so many of the pieces are to have together. */
    private long share(int pieceCount, int count) {
        return pieceCount >= count ? Long.MAX_VALUE : (long) ((double) bytes / count * pieceCount);
    }

    /** Whether a range can be cut there. */
    private static boolean isWithin(byte[] key, KeyRange range) {
        byte[] lower = range.lower();
        byte[] upper = range.upper();
        return key.length > 0
                && (lower == null || Arrays.compareUnsigned(key, lower) > 0)
                && (upper == null || Arrays.compareUnsigned(key, upper) < 0);
    }
}
