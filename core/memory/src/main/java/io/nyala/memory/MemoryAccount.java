package io.nyala.memory;

import org.jspecify.annotations.Nullable;

/**
 * One owner's share of a {@link MemoryBudget}: what it takes is counted under its name. A reservation is a number of
 * 2 MiB blocks that no one else can take; beyond it the account takes from what all share.
 *
 * <p>Thread-safe. Slabs belong to whoever took them and must come back before the account is closed.
 */
public final class MemoryAccount implements AutoCloseable {
    private final MemoryBudget budget;
    private final String owner;
    private final long reservedBytes;
    private final @Nullable BlockPool reserve;

    private volatile @Nullable Relief relief;

    // Guarded by the budget's lock.
    private long usedBytes;
    private long peakBytes;
    private boolean closed;

    /** Who is asked where an account has nothing left. */
    @FunctionalInterface
    public interface Relief {
        /**
         * Waits for memory and takes it, by {@link #tryTake}, or throws. Called without any lock, on the thread that
         * wants the memory.
         */
        Slab take(MemoryAccount account, long bytes);
    }

    MemoryAccount(MemoryBudget budget, String owner, long reservedBytes, @Nullable BlockPool reserve) {
        this.budget = budget;
        this.owner = owner;
        this.reservedBytes = reservedBytes;
        this.reserve = reserve;
    }

    /**
     * A slab of the smallest size that holds {@code bytes}: a power of two from 4 KiB to 2 MiB, above that a multiple
     * of 2 MiB up to {@link MemoryBudget#SLAB_BYTES_MAX}. From the reservation while there is room.
     *
     * @throws MemoryLimitException if there is none, and {@link #relief} has none either
     */
    public Slab take(long bytes) {
        Relief present = relief;
        if (present == null) {
            return budget.take(this, bytes);
        }
        Slab slab = budget.tryTake(this, bytes);
        return slab == null ? present.take(this, bytes) : slab;
    }

    /** From now on {@link #take} asks {@code newRelief} where it would have thrown. */
    public void relief(Relief newRelief) {
        relief = newRelief;
    }

    /** As {@link #take}, but answers null where that throws {@link MemoryLimitException}. */
    public @Nullable Slab tryTake(long bytes) {
        return budget.tryTake(this, bytes);
    }

    /**
     * Whether so many bytes are free at this moment, side by side, in whole blocks of 2 MiB. Somebody else may take
     * them before the caller does.
     */
    public boolean isFree(long bytes) {
        return budget.isFree(this, bytes);
    }

    /** Gives back a slab taken from this account. */
    public void giveBack(Slab slab) {
        Check.that(slab.account() == this, "a slab must be given back to the account it was taken from");
        budget.giveBack(slab);
    }

    public long usedBytes() {
        return usage().usedBytes();
    }

    public long peakBytes() {
        return usage().peakBytes();
    }

    public long reservedBytes() {
        return reservedBytes;
    }

    /** The most it could ever have, if nobody had anything but what is set aside for others. */
    public long bytesMax() {
        return budget.bytesMaxOf(this);
    }

    public String owner() {
        return owner;
    }

    public MemoryBudget budget() {
        return budget;
    }

    public AccountUsage usage() {
        return budget.usageOf(this);
    }

    /**
     * Releases the reservation. Closing twice does nothing.
     *
     * @throws MemoryLeakException if slabs are out; the account then stays open, so that they can still be given back
     */
    @Override
    public void close() {
        budget.close(this);
    }

    @Nullable
    BlockPool reserve() {
        return reserve;
    }

    boolean isClosed() {
        return closed;
    }

    void markClosed() {
        closed = true;
    }

    void count(long bytes) {
        usedBytes += bytes;
        peakBytes = Math.max(peakBytes, usedBytes);
        assert usedBytes >= 0 : owner + " gave back more than it took";
    }

    /** To be called with the budget's lock held. */
    AccountUsage snapshot() {
        return new AccountUsage(owner, usedBytes, peakBytes, reservedBytes);
    }
}
