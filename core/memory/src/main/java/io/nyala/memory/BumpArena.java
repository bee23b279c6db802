package io.nyala.memory;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Memory that is handed out piece by piece and freed all at once. It takes slabs of one size from an account, or, where
 * it may stay small, of sizes that grow with it; a piece larger than a slab gets one of its own.
 *
 * <p>A piece is an offset into {@link #memory()}; 0 is never handed out and means "none". The content is whatever was
 * there before.
 *
 * <p>For one thread: the one that allocates. What is written may be read by others, if it is published to them; they
 * must be gone before {@link #close} (see {@link Epochs}). Owns its slabs.
 */
public final class BumpArena implements AutoCloseable {
    /** A good size where there is no reason for another: small beside a budget, large beside a row. */
    public static final long SLAB_BYTES = 256 << 10;

    private final MemoryAccount account;
    private final MemorySegment memory;
    private final long slabBytesMin;
    private final long slabBytesMax;
    private final List<Slab> slabs = new ArrayList<>();
    private long next; // Where the next piece may start; 0 before the first slab.
    private long end;
    private long usedBytes;
    private long takenBytes;
    private @Nullable Slab spare; // Taken ahead by reserve(); what does not fit in the present slab goes there.
    private boolean closed;

    /** Takes nothing yet. {@code slabBytes} is a power of two, 16 KiB to 2 MiB. */
    public BumpArena(MemoryAccount account, long slabBytes) {
        this(account, slabBytes, slabBytes);
    }

    /**
     * Takes nothing yet. Slabs are of {@code slabBytesMin} at first, then about as large as all before, up to {@code
     * slabBytesMax}; both are powers of two, 16 KiB to 2 MiB.
     */
    public BumpArena(MemoryAccount account, long slabBytesMin, long slabBytesMax) {
        Check.powerOfTwo("slabBytesMin", slabBytesMin);
        Check.powerOfTwo("slabBytesMax", slabBytesMax);
        Check.inRange("slabBytesMin", slabBytesMin, BlockPool.SLOT_BYTES_MIN, slabBytesMax);
        Check.inRange("slabBytesMax", slabBytesMax, slabBytesMin, BlockPool.BLOCK_BYTES);
        this.account = account;
        this.memory = account.budget().memory();
        this.slabBytesMin = slabBytesMin;
        this.slabBytesMax = slabBytesMax;
    }

    /**
     * Makes sure that pieces of so many bytes in all, the gaps for their alignment included, can be allocated without
     * failing; false, and nothing changed, if the account has no slab for them. Counts from now: it does not add up
     * with what was reserved before.
     */
    public boolean reserve(long bytes) {
        Check.inRange("bytes", bytes, 0, MemoryBudget.SLAB_BYTES_MAX);
        if (bytes <= end - next || (spare != null && bytes <= spare.bytes())) {
            return true;
        }
        checkOpen();
        Slab slab = account.tryTake(Math.max(bytes, slabBytes()));
        if (slab == null) {
            return false;
        }
        if (spare != null) {
            takenBytes -= spare.bytes();
            account.giveBack(spare);
        }
        spare = slab;
        takenBytes += slab.bytes();
        return true;
    }

    /**
     * Offset of {@code bytes} fresh bytes at a multiple of {@code alignment}, a power of two up to 16 KiB.
     *
     * @throws MemoryLimitException if the account has no slab left; what was allocated before is untouched
     */
    public long allocate(long bytes, long alignment) {
        Check.positive("bytes", bytes);
        assert alignment > 0 && (alignment & (alignment - 1)) == 0 : "not a power of two: " + alignment;
        assert alignment <= BlockPool.SLOT_BYTES_MIN : "slabs are not aligned to " + alignment;
        long start = (next + alignment - 1) & -alignment;
        if (bytes > end - start) {
            return allocateBeyond(bytes);
        }
        next = start + bytes;
        usedBytes += bytes;
        return start;
    }

    private long allocateBeyond(long bytes) {
        checkOpen();
        Slab ahead = spare;
        if (ahead != null && bytes <= ahead.bytes()) {
            spare = null;
            slabs.add(ahead);
            next = ahead.offset() + bytes;
            end = ahead.offset() + ahead.bytes();
            usedBytes += bytes;
            return ahead.offset();
        }
        long slabBytes = slabBytes();
        Slab slab = account.take(Math.max(bytes, slabBytes));
        slabs.add(slab);
        takenBytes += slab.bytes();
        usedBytes += bytes;
        if (bytes <= slabBytes) {
            next = slab.offset() + bytes;
            end = slab.offset() + slab.bytes();
        } // Otherwise the piece has the new slab for itself, and there may be room left in the present one.
        return slab.offset();
    }

    /** Of the next slab. */
    private long slabBytes() {
        return Math.clamp(Long.highestOneBit(takenBytes), slabBytesMin, slabBytesMax);
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the arena of " + account.owner() + " is closed");
        }
    }

    /** What all offsets refer to: the memory of the whole budget. */
    public MemorySegment memory() {
        return memory;
    }

    /** What was asked for. */
    public long usedBytes() {
        return usedBytes;
    }

    /** What was taken from the account. */
    public long takenBytes() {
        return takenBytes;
    }

    /** Gives everything back. Closing twice does nothing. */
    @Override
    public void close() {
        closed = true;
        next = 0;
        end = 0;
        usedBytes = 0;
        takenBytes = 0;
        for (Slab slab : slabs) {
            account.giveBack(slab);
        }
        slabs.clear();
        if (spare != null) {
            account.giveBack(spare);
            spare = null;
        }
    }
}
