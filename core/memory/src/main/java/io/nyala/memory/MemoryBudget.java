package io.nyala.memory;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * All native memory of an engine: one contiguous region with a limit, shared out to named accounts in slabs. Inside it
 * a pointer is a {@code long} offset into {@link #memory()}, and offset 0 means "none": the first 2 MiB are never
 * handed out (nor touched, nor counted).
 *
 * <pre>{@code
 *   memory()   0           2 MiB
 *              +-----------+-----------+-----------+-----------+--------- - - -+
 *              |   never   |  block 1  |  block 2  |  block 3  |               |
 *              +-----------+-----------+-----------+-----------+--------- - - -+
 *                          | 4K|16K|.. |   256K|.. |  a run of 2 blocks ..
 *
 *   common pool  = all blocks that are not set aside
 *   reservation  = blocks set aside for one account; adjacent ones if there are
 * }</pre>
 *
 * <p>Taking and giving back cost a lock and some bit arithmetic: they are for slabs, not for rows. With assertions on,
 * freed memory is filled with {@code 0xDB} and checked when it is taken again.
 *
 * <p>Thread-safe. Whoever opens it closes it, after everyone who uses its memory is done.
 */
public final class MemoryBudget implements AutoCloseable {
    /** The smallest slab. A tablet that has nothing to do has one or two. */
    public static final long SLAB_BYTES_MIN = BlockPool.SLOT_BYTES_MIN;

    /** The largest slab. Beyond it, a free run would be a matter of luck in a budget of ordinary size. */
    public static final long SLAB_BYTES_MAX = 64L << 20;

    /** So that a block's number times its slots stays an int; far beyond any machine we know. */
    private static final long LIMIT_BYTES_MAX = 1L << 44;

    private static final int OWNERS_IN_MESSAGE = 5;

    private final PageSource pages;
    private final MemorySegment memory;
    private final long limitBytes;
    private final long[] units;
    private final BlockPool common;
    private final Poison poison;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock.
    private final Set<MemoryAccount> accounts = new LinkedHashSet<>();
    private long usedBytes;
    private long peakBytes;
    private boolean closed;

    private MemoryBudget(PageSource pages, long limitBytes) {
        this.pages = pages;
        this.limitBytes = limitBytes;
        this.memory = pages.reserve(limitBytes + BlockPool.BLOCK_BYTES);
        int blocks = Math.toIntExact(limitBytes / BlockPool.BLOCK_BYTES);
        this.units = BlockPool.unitTable(blocks + 1);
        this.common = new BlockPool(units);
        this.poison = new Poison(memory);
        common.addBlocks(1, blocks);
    }

    /** Reserves {@code limitBytes}, rounded down to whole blocks of 2 MiB, in one piece. */
    public static MemoryBudget open(PageSource pages, long limitBytes) {
        Check.inRange("limitBytes", limitBytes, BlockPool.BLOCK_BYTES, LIMIT_BYTES_MAX);
        return new MemoryBudget(pages, limitBytes / BlockPool.BLOCK_BYTES * BlockPool.BLOCK_BYTES);
    }

    /** The size of slab that {@code take(bytes)} answers. */
    public static long slabBytes(long bytes) {
        Check.inRange("bytes", bytes, 1, SLAB_BYTES_MAX);
        return BlockPool.roundUp(bytes);
    }

    /** What is set aside for an account that asks for a reservation of so many bytes: whole blocks. */
    public static long reservedBytes(long bytes) {
        Check.inRange("reservedBytes", bytes, 0, LIMIT_BYTES_MAX);
        return (bytes + BlockPool.BLOCK_BYTES - 1) / BlockPool.BLOCK_BYTES * BlockPool.BLOCK_BYTES;
    }

    /** Everything, the never used first 2 MiB included. Owned by the budget. */
    public MemorySegment memory() {
        return memory;
    }

    /** Makes all of the memory resident now, so that no first use has to wait for the operating system. */
    public void populate() {
        pages.populate(memory.asSlice(BlockPool.BLOCK_BYTES));
    }

    /**
     * Opens an account.
     *
     * @param owner for messages and statistics; need not be unique
     * @param reservedBytes rounded up to whole blocks of 2 MiB, which no other account can take
     * @throws MemoryLimitException if so much is not free
     */
    public MemoryAccount account(String owner, long reservedBytes) {
        int blocks = Math.toIntExact(reservedBytes(reservedBytes) / BlockPool.BLOCK_BYTES);
        lock.lock();
        try {
            checkOpen();
            if (blocks > common.freeBlocks()) {
                throw new MemoryLimitException(limitMessage("reserve", reservedBytes, owner));
            }
            BlockPool reserve = null;
            if (blocks > 0) {
                reserve = new BlockPool(units);
                common.moveBlocks(reserve, blocks);
            }
            var account = new MemoryAccount(this, owner, blocks * BlockPool.BLOCK_BYTES, reserve);
            accounts.add(account);
            return account;
        } finally {
            lock.unlock();
        }
    }

    /** The most that can be out at once. */
    public long limitBytes() {
        return limitBytes;
    }

    /** Bytes of all slabs that are out. */
    public long usedBytes() {
        lock.lock();
        try {
            return usedBytes;
        } finally {
            lock.unlock();
        }
    }

    /** The most that was ever out at once. */
    public long peakBytes() {
        lock.lock();
        try {
            return peakBytes;
        } finally {
            lock.unlock();
        }
    }

    /** Every open account, in the order in which they were opened. */
    public List<AccountUsage> usage() {
        lock.lock();
        try {
            return accounts.stream().map(MemoryAccount::snapshot).toList();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Releases the memory. Closing twice does nothing.
     *
     * @throws MemoryLeakException if slabs are out, naming owners and bytes. Their owners may still use them and give
     *     them back; the memory is released with the last one, because who uses it after that would bring the process
     *     down
     */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            if (usedBytes == 0) {
                pages.release(memory);
            } else {
                throw new MemoryLeakException(
                        Check.number(usedBytes) + " bytes were not given back before their memory budget was closed: "
                                + owners(1) + ". Whoever takes a slab gives it back",
                        usedBytes);
            }
        } finally {
            lock.unlock();
        }
    }

    Slab take(MemoryAccount account, long bytes) {
        lock.lock();
        try {
            Slab slab = tryTake(account, bytes);
            if (slab == null) {
                throw new MemoryLimitException(limitMessage("take", slabBytes(bytes), account.owner()));
            }
            return slab;
        } finally {
            lock.unlock();
        }
    }

    @Nullable
    Slab tryTake(MemoryAccount account, long bytes) {
        long slabBytes = slabBytes(bytes);
        lock.lock();
        try {
            checkOpen();
            checkOpen(account);
            BlockPool reserve = account.reserve();
            Slab slab = reserve == null ? null : takeFrom(reserve, account, slabBytes);
            return slab == null ? takeFrom(common, account, slabBytes) : slab;
        } finally {
            lock.unlock();
        }
    }

    private @Nullable Slab takeFrom(BlockPool pool, MemoryAccount account, long bytes) {
        long offset = pool.take(bytes);
        if (offset == BlockPool.NONE) {
            return null;
        }
        assert offset >= BlockPool.BLOCK_BYTES && offset + bytes <= memory.byteSize() : "outside: " + offset;
        assert poison.isIntact(offset, bytes) : "written to after it was given back: " + bytes + " bytes at " + offset;
        count(account, bytes);
        return new Slab(memory.asSlice(offset, bytes), offset, account, pool);
    }

    void giveBack(Slab slab) {
        lock.lock();
        try {
            if (!slab.give()) {
                throw new IllegalStateException("given back twice: " + slab);
            }
            assert poison.fill(slab.offset(), slab.bytes());
            slab.pool().giveBack(slab.offset(), slab.bytes());
            count(slab.account(), -slab.bytes());
            if (closed && usedBytes == 0) {
                pages.release(memory);
            }
        } finally {
            lock.unlock();
        }
    }

    boolean isFree(MemoryAccount account, long bytes) {
        lock.lock();
        try {
            BlockPool reserve = account.reserve();
            return (reserve != null && reserve.hasRun(bytes)) || common.hasRun(bytes);
        } finally {
            lock.unlock();
        }
    }

    AccountUsage usageOf(MemoryAccount account) {
        lock.lock();
        try {
            return account.snapshot();
        } finally {
            lock.unlock();
        }
    }

    long bytesMaxOf(MemoryAccount account) {
        lock.lock();
        try {
            long reservedByOthers = 0;
            for (MemoryAccount other : accounts) {
                reservedByOthers += other == account ? 0 : other.reservedBytes();
            }
            return limitBytes - reservedByOthers;
        } finally {
            lock.unlock();
        }
    }

    void close(MemoryAccount account) {
        lock.lock();
        try {
            if (account.isClosed()) {
                return;
            }
            long leakedBytes = account.snapshot().usedBytes();
            if (leakedBytes > 0) {
                throw new MemoryLeakException(
                        account.owner() + " has not given back " + Check.number(leakedBytes)
                                + " bytes. Whoever takes a slab gives it back before the account is closed",
                        leakedBytes);
            }
            account.markClosed();
            accounts.remove(account);
            BlockPool reserve = account.reserve();
            if (reserve != null) {
                reserve.moveBlocks(common, reserve.freeBlocks());
            }
        } finally {
            lock.unlock();
        }
    }

    private void count(MemoryAccount account, long bytes) {
        account.count(bytes);
        usedBytes += bytes;
        peakBytes = Math.max(peakBytes, usedBytes);
        assert 0 <= usedBytes && usedBytes <= limitBytes : usedBytes + " of " + limitBytes;
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the memory budget is closed");
        }
    }

    private static void checkOpen(MemoryAccount account) {
        if (account.isClosed()) {
            throw new IllegalStateException("the memory account of " + account.owner() + " is closed");
        }
    }

    private String limitMessage(String verb, long bytes, String owner) {
        return "cannot " + verb + " " + Check.number(bytes) + " bytes for " + owner + ": "
                + Check.number(usedBytes) + " of " + Check.number(limitBytes) + " bytes are used, "
                + Check.number(common.freeBlocks() * BlockPool.BLOCK_BYTES)
                + " more are free in whole blocks (the rest is reserved, or left over in partly used blocks). Largest"
                + " owners: "
                + owners()
                + ". Wait until they give something back, or raise the limit of the memory budget";
    }

    /** The largest owners, by what is out or set aside: {@code cache 4,194,304 (reserved 2,097,152), log 16,384}. */
    private String owners() {
        return owners(0);
    }

    /** Those of which so much is out at least. */
    private String owners(long usedBytesMin) {
        List<AccountUsage> largest =
                new ArrayList<>(accounts.stream().map(MemoryAccount::snapshot).toList());
        largest.removeIf(
                usage -> usage.usedBytes() < usedBytesMin || (usage.usedBytes() == 0 && usage.reservedBytes() == 0));
        largest.sort(
                Comparator.comparingLong((AccountUsage usage) -> Math.max(usage.usedBytes(), usage.reservedBytes()))
                        .reversed());
        String text = largest.stream()
                .limit(OWNERS_IN_MESSAGE)
                .map(usage -> usage.owner() + " " + Check.number(usage.usedBytes())
                        + (usage.reservedBytes() == 0 ? "" : " (reserved " + Check.number(usage.reservedBytes()) + ")"))
                .collect(Collectors.joining(", "));
        return text.isEmpty() ? "none" : text;
    }
}
