package io.nyala.rows;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Native memory that grows by doubling, later in steps, and moves when it does. Belongs to one thread; closing gives
 * the memory back.
 */
public final class GrowingBuffer implements AutoCloseable {
    /** Beyond it, twice as much would often be far too much: while it moves, it has both. */
    private static final long STEP_BYTES_MAX = 2 << 20;

    private final MemoryAccount account;
    private @Nullable Slab slab;
    private MemorySegment memory = MemorySegment.NULL;

    public GrowingBuffer(MemoryAccount account) {
        this.account = account;
    }

    /** All of it, until it grows the next time. */
    public MemorySegment memory() {
        return memory;
    }

    /**
     * Makes room for {@code bytes} in all; the first {@code usedBytes} are kept. If the account has not that much,
     * nothing changes.
     */
    public void ensure(long usedBytes, long bytes) {
        if (bytes > memory.byteSize()) {
            grow(usedBytes, bytes);
        }
    }

    private void grow(long usedBytes, long bytes) {
        Slab before = slab;
        long present = memory.byteSize();
        Slab larger = account.take(Math.max(bytes, present + Math.min(present, STEP_BYTES_MAX)));
        MemorySegment.copy(memory, 0, larger.segment(), 0, usedBytes);
        slab = larger;
        memory = larger.segment();
        if (before != null) {
            account.giveBack(before);
        }
    }

    @Override
    public void close() {
        memory = MemorySegment.NULL;
        if (slab != null) {
            account.giveBack(slab);
            slab = null;
        }
    }
}
