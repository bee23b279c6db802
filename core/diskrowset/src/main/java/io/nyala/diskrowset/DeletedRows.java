package io.nyala.diskrowset;

import static io.nyala.rows.LittleEndian.getInt;
import static io.nyala.rows.LittleEndian.setByte;
import static io.nyala.rows.LittleEndian.setInt;
import static io.nyala.rows.LittleEndian.unsignedByte;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Which rows a delta file deletes, in memory: as a bitmap from the first to the last, or as ascending ordinals,
 * whichever is smaller.
 *
 * <p>Immutable once it is filled; shared by threads. Owns its memory.
 */
final class DeletedRows implements AutoCloseable {
    private final MemoryAccount account;
    private final @Nullable Slab slab;
    private final MemorySegment memory;
    private final boolean isBitmap;
    private final long first;
    private final long last;
    private int count;

    /** Room for so many rows from {@code first} to {@code last}. */
    DeletedRows(long first, long last, int rowCount, MemoryAccount account) {
        this.account = account;
        this.first = first;
        this.last = last;
        long bitmapBytes = (last - first) / Byte.SIZE + 1;
        long ordinalBytes = (long) rowCount * Integer.BYTES;
        this.isBitmap = bitmapBytes <= ordinalBytes;
        if (rowCount == 0) {
            this.slab = null;
            this.memory = MemorySegment.NULL;
        } else {
            Slab taken = account.take(isBitmap ? bitmapBytes : ordinalBytes);
            this.slab = taken;
            this.memory = taken.segment();
            memory.asSlice(0, isBitmap ? bitmapBytes : ordinalBytes).fill((byte) 0);
        }
    }

    /** Adds a row behind those before. */
    void add(long ordinal) {
        if (isBitmap) {
            long at = (ordinal - first) / Byte.SIZE;
            setByte(memory, at, unsignedByte(memory, at) | 1 << ((ordinal - first) % Byte.SIZE));
        } else {
            setInt(memory, (long) count * Integer.BYTES, (int) ordinal);
        }
        count++;
    }

    int count() {
        return count;
    }

    boolean has(long ordinal) {
        if (count == 0 || ordinal < first || ordinal > last) {
            return false;
        }
        if (isBitmap) {
            long row = ordinal - first;
            return (unsignedByte(memory, row / Byte.SIZE) >>> (row % Byte.SIZE) & 1) != 0;
        }
        int low = 0;
        int high = count - 1;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (getInt(memory, (long) middle * Integer.BYTES) < ordinal) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return getInt(memory, (long) low * Integer.BYTES) == ordinal;
    }

    @Override
    public void close() {
        if (slab != null) {
            account.giveBack(slab);
        }
    }
}
