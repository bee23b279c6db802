package io.nyala.memory;

import java.lang.foreign.MemorySegment;

/**
 * A piece of native memory, taken from an account and given back to it. Starts at a multiple of its size (of 2 MiB if
 * it is larger); its content is whatever was there before.
 *
 * <p>Immutable but for being given back. Whoever took it owns it; after giving it back neither the slab nor slices of
 * its segment may be used: the same memory may already belong to someone else.
 */
public final class Slab {
    private final MemorySegment segment;
    private final long offset;
    private final MemoryAccount account;
    private final BlockPool pool;
    private boolean given; // Guarded by the lock of the budget.

    Slab(MemorySegment segment, long offset, MemoryAccount account, BlockPool pool) {
        this.segment = segment;
        this.offset = offset;
        this.account = account;
        this.pool = pool;
    }

    /** Exactly these bytes. */
    public MemorySegment segment() {
        return segment;
    }

    /** Where it starts in {@link MemoryBudget#memory()}. Never 0. */
    public long offset() {
        return offset;
    }

    public long bytes() {
        return segment.byteSize();
    }

    MemoryAccount account() {
        return account;
    }

    BlockPool pool() {
        return pool;
    }

    /** Marks it as given back; false if it already was. */
    boolean give() {
        boolean first = !given;
        given = true;
        return first;
    }

    @Override
    public String toString() {
        return "slab of " + Check.number(bytes()) + " bytes at " + Check.number(offset) + " of " + account.owner();
    }
}
