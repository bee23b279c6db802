package io.nyala.memory;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

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

    /** So that sums cannot overflow; far beyond any machine we know. */
    private static final long BYTES_MAX = 1L << 44;

    private final MemoryAccount account;
    private final MemorySegment memory;
    private final long slabBytesMin;
    private final long slabBytesMax;
    private final List<Slab> slabs = new ArrayList<>();
    private long next; // Where the next piece may start; 0 before the first slab.
    private long end;
    private long usedBytes;
    private long takenBytes;
    private final List<Slab> spares =
            new ArrayList<>(); // Taken ahead: what does not fit in the present slab goes there.
    private boolean closed;

    /** Takes nothing yet. {@code slabBytes} is a power of two, 4 KiB to 2 MiB. */
    public BumpArena(MemoryAccount account, long slabBytes) {
        this(account, slabBytes, slabBytes);
    }

    /**
     * Takes nothing yet. Slabs are of {@code slabBytesMin} at first, then about as large as all before, up to {@code
     * slabBytesMax}; both are powers of two, 4 KiB to 2 MiB.
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
     * Opens one that begins with a slab of the account, and owns it from here on; others are about as large as all
     * before, up to {@code slabBytesMax}.
     *
     * @param first for what is allocated before any other slab is needed
     */
    public BumpArena(MemoryAccount account, Slab first, long slabBytesMax) {
        this(account, Math.min(first.bytes(), slabBytesMax), slabBytesMax);
        Check.that(first.account() == account, "an arena begins with a slab of its own account");
        slabs.add(first);
        next = first.offset();
        end = first.offset() + first.bytes();
        takenBytes = first.bytes();
    }

    /** As {@link #reserve(long, long)}, for pieces of which one may be all of it. */
    public boolean reserve(long bytes) {
        return reserve(bytes, bytes);
    }

    /**
     * Makes sure that pieces of so many bytes in all, the gaps for their alignment included, can be allocated without
     * failing; false, and nothing changed, if the account has no slabs for them. Counts from now: it does not add up
     * with what was reserved before. Small pieces need no slab of all their bytes, but several of 2 MiB.
     *
     * @param pieceBytesMax most bytes of one piece and the gap before it
     */
    public boolean reserve(long bytes, long pieceBytesMax) {
        Check.inRange("pieceBytesMax", pieceBytesMax, 0, MemoryBudget.SLAB_BYTES_MAX);
        Check.inRange("bytes", bytes, 0, BYTES_MAX);
        if (holds(bytes, pieceBytesMax)) {
            return true;
        }
        checkOpen();
        int spareCount = spares.size();
        do {
            Slab slab = account.tryTake(spareBytes(bytes, pieceBytesMax, slabBytes()));
            if (slab == null) {
                giveBackSpares(spareCount);
                return false;
            }
            spares.add(slab);
            takenBytes += slab.bytes();
        } while (!holds(bytes, pieceBytesMax));
        return true;
    }

    /** What {@link #reserve(long, long)} takes from the account where nothing is left of other slabs. */
    public static long reservedBytes(long bytes, long pieceBytesMax) {
        long slab = MemoryBudget.slabBytes(Math.max(1, spareBytes(bytes, pieceBytesMax, 1)));
        if (bytes <= slab) {
            return slab;
        }
        long usable = slab - pieceBytesMax;
        if (usable <= 0) {
            return Long.MAX_VALUE;
        }
        return (bytes + usable - 1) / usable * slab;
    }

    /**
     * Gives back what was taken ahead for more than the next few pieces: to be called when what was reserved for is
     * done.
     */
    public void trim() {
        int kept = 0;
        for (long bytes = 0; kept < spares.size(); kept++) {
            bytes += spares.get(kept).bytes();
            if (bytes > BlockPool.BLOCK_BYTES) {
                break;
            }
        }
        giveBackSpares(kept);
    }

    /**
     * Claim: if this says so, no allocation fails. When a piece does not fit into the present slab, that is left with
     * less unused than the piece, and the first spare that is large enough takes its place. So what is allocated before
     * a failure is more than the sum below, unless one of the slabs holds everything by itself: it is not left before.
     */
    private boolean holds(long bytes, long pieceBytesMax) {
        long sum = Math.max(0, end - next - pieceBytesMax);
        boolean isEnough = bytes <= end - next;
        for (int i = 0; i < spares.size(); i++) {
            long spare = spares.get(i).bytes();
            isEnough |= bytes <= spare;
            sum += Math.max(0, spare - pieceBytesMax);
        }
        return isEnough || bytes <= sum;
    }

    /** Each spare is either enough by itself, or leaves at most half of it unused. */
    private static long spareBytes(long bytes, long pieceBytesMax, long slabBytes) {
        if (bytes <= BlockPool.BLOCK_BYTES) {
            return Math.max(bytes, slabBytes);
        }
        long spare = Math.max(2 * pieceBytesMax, BlockPool.BLOCK_BYTES);
        return Math.min(Math.min(bytes, spare), MemoryBudget.SLAB_BYTES_MAX);
    }

    private void giveBackSpares(int kept) {
        while (spares.size() > kept) {
            Slab last = spares.removeLast();
            takenBytes -= last.bytes();
            account.giveBack(last);
        }
    }

    /**
     * Offset of {@code bytes} fresh bytes at a multiple of {@code alignment}, a power of two up to 4 KiB.
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
        for (int i = 0; i < spares.size(); i++) {
            Slab ahead = spares.get(i);
            if (bytes <= ahead.bytes()) {
                spares.remove(i);
                slabs.add(ahead);
                next = ahead.offset() + bytes;
                end = ahead.offset() + ahead.bytes();
                usedBytes += bytes;
                return ahead.offset();
            }
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
        giveBackFrom(0);
    }

    /** Gives everything back but the slab that it began with, which is the caller's now. */
    public Slab closeExceptFirst() {
        checkOpen();
        Slab first = slabs.getFirst();
        giveBackFrom(1);
        return first;
    }

    private void giveBackFrom(int index) {
        closed = true;
        next = 0;
        end = 0;
        usedBytes = 0;
        giveBackSpares(0);
        for (int i = index; i < slabs.size(); i++) {
            account.giveBack(slabs.get(i));
        }
        slabs.clear();
        takenBytes = 0;
    }
}
