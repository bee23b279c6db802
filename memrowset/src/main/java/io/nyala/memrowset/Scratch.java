package io.nyala.memrowset;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Memory for what is needed until the next row or the next batch, then forgotten and used again. Takes nothing until it
 * is first used; once the largest need has been seen it takes nothing more. One thread; owns its slabs.
 */
final class Scratch implements AutoCloseable {
    private final MemoryAccount account;
    private final long slabBytes;
    private final List<Slab> slabs = new ArrayList<>(); // The last one is in use.
    private long next;
    private long end;
    private long usedBytes;

    Scratch(MemoryAccount account, long slabBytes) {
        this.account = account;
        this.slabBytes = slabBytes;
    }

    /**
     * Offset of so many bytes in the budget's memory, 8-byte aligned; good until {@link #clear}.
     *
     * @throws io.nyala.memory.MemoryLimitException if there is no memory left
     */
    long allocate(long bytes) {
        long aligned = (bytes + Long.BYTES - 1) & -Long.BYTES;
        if (aligned > end - next) {
            // Twice as large as all before, so that one slab is enough next time.
            Slab slab = account.take(Math.max(Math.max(slabBytes, aligned), Math.min(2 * usedBytes, 1 << 21)));
            slabs.add(slab);
            next = slab.offset();
            end = next + slab.bytes();
        }
        long offset = next;
        next += aligned;
        usedBytes += aligned;
        return offset;
    }

    /** Offset of a copy of a key, so that there is one kind of memory in all comparisons; 0 if there is none. */
    long copyOf(byte @Nullable [] key, MemorySegment memory) {
        if (key == null) {
            return 0;
        }
        long offset = allocate(Math.max(key.length, 1));
        MemorySegment.copy(key, 0, memory, JAVA_BYTE, offset, key.length);
        return offset;
    }

    /** What is in use since the last {@link #clear}. */
    long usedBytes() {
        return usedBytes;
    }

    /** Forgets everything, and keeps the largest slab. */
    void clear() {
        usedBytes = 0;
        if (slabs.isEmpty()) {
            return;
        }
        int largest = 0;
        for (int i = 1; i < slabs.size(); i++) {
            largest = slabs.get(i).bytes() >= slabs.get(largest).bytes() ? i : largest;
        }
        Slab kept = slabs.get(largest);
        for (int i = slabs.size() - 1; i >= 0; i--) {
            if (i != largest) {
                account.giveBack(slabs.get(i));
            }
        }
        slabs.clear();
        slabs.add(kept);
        next = kept.offset();
        end = next + kept.bytes();
    }

    /** Gives everything back. Closing twice does nothing. */
    @Override
    public void close() {
        for (Slab slab : slabs) {
            account.giveBack(slab);
        }
        slabs.clear();
        next = 0;
        end = 0;
        usedBytes = 0;
    }
}
