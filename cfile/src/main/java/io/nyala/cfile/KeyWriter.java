package io.nyala.cfile;

import io.nyala.cfile.CFileWriter.RawSection;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Takes the encoded key of every row, in order, and makes of them {@link KeyFilter} and {@link KeyIndex}. Part of a
 * {@link CFileWriter}.
 *
 * <p>For one thread. Holds 8 bytes per row until the file is finished.
 */
public final class KeyWriter {
    /** Slabs of hashes double up to here: one that held all would be there thrice while it grows. */
    private static final long SLAB_BYTES_MAX = 1 << 20;

    private final MemoryAccount account;
    private final List<Slab> hashes = new ArrayList<>();
    private long hashBytes; // Of all slabs.
    private long lastUsed; // Of the last one.
    private final ByteSink ends;
    private final ByteSink separators;
    private final ByteSink previous;
    private final double filterRate;
    private final double keysPerBlock;
    private byte[] minKey = {};
    private long rowCount;

    KeyWriter(MemoryAccount account, double filterRate) {
        KeyFilter.checkRate(filterRate);
        this.filterRate = filterRate;
        keysPerBlock = KeyFilter.Writer.keysPerBlock(filterRate);
        this.account = account;
        ends = new ByteSink(account);
        separators = new ByteSink(account);
        previous = new ByteSink(account);
    }

    /** Adds the key of the next row, which is larger than the one before. */
    public void append(MemorySegment key, long offset, int bytes) {
        if (rowCount == 0) {
            minKey = key.asSlice(offset, bytes).toArray(Cells.BYTE);
        } else if (Cells.compareBytes(previous.memory(), 0, previous.bytes(), key, offset, bytes) >= 0) {
            throw new IllegalArgumentException(
                    "keys must ascend, but that of row " + rowCount + " is not larger than the one before");
        }
        add(KeyHash.of(key, offset, bytes));
        if (rowCount % ColumnSpec.VECTOR_ROWS == 0) {
            separators.put(key, offset, rowCount == 0 ? 0 : separatorBytes(key, offset, bytes));
            ends.putInt(Math.toIntExact(separators.bytes()));
        }
        previous.truncate(0);
        previous.put(key, offset, bytes);
        rowCount++;
    }

    private void add(long hash) {
        if (hashes.isEmpty() || lastUsed == hashes.getLast().bytes()) {
            hashes.add(account.take(Math.clamp(hashBytes, MemoryBudget.SLAB_BYTES_MIN, SLAB_BYTES_MAX)));
            hashBytes += hashes.getLast().bytes();
            lastUsed = 0;
        }
        hashes.getLast().segment().set(Cells.LONG, lastUsed, hash);
        lastUsed += Long.BYTES;
    }

    /** Bytes of the shortest start of {@code key} that is larger than the previous key. */
    private long separatorBytes(MemorySegment key, long offset, int bytes) {
        long mismatch = MemorySegment.mismatch(previous.memory(), 0, previous.bytes(), key, offset, offset + bytes);
        assert mismatch >= 0 && mismatch < bytes : "not larger";
        return mismatch + 1;
    }

    long rowCount() {
        return rowCount;
    }

    long estimatedBytes() {
        return filterBytes() + ends.bytes() + separators.bytes() + 2 * previous.bytes();
    }

    /** Memory that the filter takes, in one piece, when the file is finished, besides what it takes now. */
    public long filterBytes() {
        return KeyFilter.Writer.bytes(blockCount());
    }

    private int blockCount() {
        return KeyFilter.Writer.blockCount(rowCount, keysPerBlock);
    }

    /** Writes the pages of the filter, which are put together behind the end of {@code room}. */
    void writeFilter(ByteSink room, RawSection target) {
        long bytes = filterBytes();
        long start = room.reserve(bytes);
        MemorySegment pages = room.memory().asSlice(start, bytes);
        var filter = new KeyFilter.Writer(pages, blockCount(), filterRate);
        for (Slab slab : hashes) {
            long used = slab == hashes.getLast() ? lastUsed : slab.bytes();
            for (long at = 0; at < used; at += Long.BYTES) {
                filter.add(slab.segment().get(Cells.LONG, at));
            }
        }
        giveHashesBack(); // Pages are copied now, and memory need not be for all three at once.
        for (long at = 0; at < bytes; at += KeyFilter.Writer.PAGE_BYTES) {
            target.add(pages.asSlice(at, Math.min(KeyFilter.Writer.PAGE_BYTES, bytes - at)));
        }
    }

    private void giveHashesBack() {
        hashes.forEach(account::giveBack);
        hashes.clear();
    }

    /** Writes the payload of the index to the end of {@code target}. */
    void writeIndex(ByteSink target) {
        target.putInt(Math.toIntExact(ends.bytes() / Integer.BYTES));
        target.putInt(minKey.length);
        target.putInt(Math.toIntExact(previous.bytes()));
        target.putInt(0);
        target.put(ends.memory(), 0, ends.bytes());
        target.put(separators.memory(), 0, separators.bytes());
        target.put(MemorySegment.ofArray(minKey), 0, minKey.length);
        target.put(previous.memory(), 0, previous.bytes());
        target.pad8();
    }

    /** The smallest key so far; empty before the first. */
    public byte[] minKey() {
        return Arrays.copyOf(minKey, minKey.length);
    }

    /** The largest key so far; empty before the first. */
    public byte[] maxKey() {
        return previous.memory().asSlice(0, previous.bytes()).toArray(Cells.BYTE);
    }

    void close() {
        giveHashesBack();
        ends.close();
        separators.close();
        previous.close();
    }
}
