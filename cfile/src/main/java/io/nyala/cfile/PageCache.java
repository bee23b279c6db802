package io.nyala.cfile;

import io.nyala.encoding.VectorFormat;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Pages of open files in memory: checked and decompressed, but still encoded. Bounded; readers pin what they use.
 *
 * <pre>{@code
 *   miss --> [ new: a tenth of the bytes ] --wanted twice more--> [ main: the rest ] --wanted again--> goes round
 *                      | otherwise                  ^                    | otherwise
 *                      v                            |                    v
 *                    gone, but remembered ----miss--/                  gone
 * }</pre>
 *
 * That is S3-FIFO (Yang et al. 2023): pages that one scan brings in pass through the small queue and leave what is used
 * again alone. A hit writes a pin and a count, and takes no lock: files know their cached pages by number, so there is
 * no table to search.
 *
 * <p>Thread-safe. Owns the memory of the pages. Whoever opened it closes it, after all files that use it.
 */
public final class PageCache implements AutoCloseable {
    /**
     * Visits after which a page is moved to the main queue, as in the paper. A scan, or a merge, makes one at most of
     * each page, however many vectors that has: see {@link #pinAgain}.
     */
    private static final int PROMOTION_VISITS = 2;

    private static final int NEW_SHARE = 10;

    private final MemoryAccount account;
    private final IoPool io;
    private final long bytesMax;
    private final LongAdder hits = new LongAdder();
    private final LongAdder misses = new LongAdder();
    private final LongAdder evictions = new LongAdder();
    private final AtomicInteger scans = new AtomicInteger();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition loadEnded = lock.newCondition();

    // Guarded by the lock.
    private final CachedPage.Queue newPages = new CachedPage.Queue(false);
    private final CachedPage.Queue mainPages = new CachedPage.Queue(true);
    private long loadingBytes;
    private long insertions;

    /**
     * What the cache did and has.
     *
     * @param hits pages found; one for each that a scan comes to, whatever it reads of it
     * @param misses pages read
     * @param evictions pages that made room for others
     * @param bytes memory of the pages
     * @param pageCount pages
     */
    public record Statistics(long hits, long misses, long evictions, long bytes, int pageCount) {}

    /**
     * @param account pays for the pages, and for reading them
     * @param io queues for reading; scans keep up to half of them
     * @param bytesMax most memory of pages together
     */
    public PageCache(MemoryAccount account, IoPool io, long bytesMax) {
        Check.positive("bytesMax", bytesMax);
        this.account = account;
        this.io = io;
        this.bytesMax = bytesMax;
    }

    IoPool io() {
        return io;
    }

    MemoryAccount account() {
        return account;
    }

    long bytesMax() {
        return bytesMax;
    }

    /** As each figure is at some moment of the call; waits for nobody. */
    public Statistics statistics() {
        return new Statistics(
                hits.sum(),
                misses.sum(),
                evictions.sum(),
                newPages.bytes() + mainPages.bytes(),
                newPages.count() + mainPages.count());
    }

    /** A queue for the read-ahead of a scan, or null if scans have their share: then the scan reads page by page. */
    @Nullable
    IoQueue borrowForScan() {
        if (scans.incrementAndGet() > io.queueCountMax() / 2) {
            scans.decrementAndGet();
            return null;
        }
        IoQueue queue = io.tryBorrow();
        if (queue == null) {
            scans.decrementAndGet();
        }
        return queue;
    }

    void giveBackFromScan(IoQueue queue) {
        scans.decrementAndGet();
        io.giveBack(queue);
    }

    /**
     * The page, pinned; the caller unpins it.
     *
     * @param ahead what may already have read it, or null
     */
    CachedPage pin(OpenFile file, Section section, int page, ReadAhead.@Nullable Stream ahead) {
        CachedPage cached = section.cached(page);
        if (cached != null && cached.tryPin()) {
            cached.visited();
            hits.increment();
            return cached;
        }
        return pinSlowly(file, section, page, ahead);
    }

    /**
     * As {@link #pin}, for who had this page last, and has only let go of it for a while: it is still the same visit.
     * If the page has gone meanwhile, it was wanted again.
     */
    CachedPage pinAgain(OpenFile file, Section section, int page, ReadAhead.@Nullable Stream ahead) {
        CachedPage cached = section.cached(page);
        return cached != null && cached.tryPin() ? cached : pinSlowly(file, section, page, ahead);
    }

    private CachedPage pinSlowly(OpenFile file, Section section, int page, ReadAhead.@Nullable Stream ahead) {
        CachedPage loading;
        lock.lock();
        try {
            while (true) {
                CachedPage cached = section.cached(page);
                if (cached == null) {
                    break;
                }
                if (cached.tryPin()) {
                    cached.visited();
                    hits.increment();
                    return cached;
                }
                loadEnded.awaitUninterruptibly(); // Someone is loading it: who evicts a page takes it out of its slot.
            }
            loading = new CachedPage(section, page);
            section.cached(page, loading);
        } finally {
            lock.unlock();
        }
        misses.increment();
        return load(file, loading, ahead);
    }

    private CachedPage load(OpenFile file, CachedPage loading, ReadAhead.@Nullable Stream ahead) {
        Section section = loading.section();
        int page = loading.page();
        Slab slab = null;
        try {
            slab = takePage(section.payloadBytes(page) + (long) VectorFormat.READ_PADDING_BYTES);
            if (ahead == null || !ahead.unpack(page, slab.segment())) {
                readAndUnpack(file, section, page, slab);
            }
        } catch (RuntimeException | Error e) {
            abandon(loading, slab);
            throw e;
        }
        publish(loading, slab);
        return loading;
    }

    private void publish(CachedPage loading, Slab slab) {
        Section section = loading.section();
        int page = loading.page();
        lock.lock();
        try {
            loadingBytes -= slab.bytes();
            loading.loaded(slab);
            long evictedAt = section.evictedAt(page);
            boolean isRemembered = evictedAt > 0 && insertions - evictedAt < newPages.count() + mainPages.count();
            (isRemembered ? mainPages : newPages).add(loading);
            insertions++;
            loadEnded.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * A page that the caller is to {@link #load} or {@link #abandon}, soon, since others wait for it; null if it is
     * cached, or being loaded.
     */
    @Nullable
    CachedPage claim(Section section, int page) {
        if (section.cached(page) != null) {
            return null;
        }
        CachedPage claimed = new CachedPage(section, page);
        claimed.visits(-1); // The first time that it is pinned is not wanted again.
        lock.lock();
        try {
            if (section.cached(page) != null) {
                return null;
            }
            section.cached(page, claimed);
        } finally {
            lock.unlock();
        }
        misses.increment();
        return claimed;
    }

    /** Restores a claimed page from its slot at {@code offset}, and leaves it in the cache, unpinned. */
    void load(OpenFile file, CachedPage claimed, MemorySegment source, long offset) {
        Section section = claimed.section();
        int page = claimed.page();
        Slab slab = null;
        try {
            slab = takePage(section.payloadBytes(page) + (long) VectorFormat.READ_PADDING_BYTES);
            file.unpack(section, page, source, offset, slab.segment());
        } catch (RuntimeException | Error e) {
            abandon(claimed, slab);
            throw e;
        }
        publish(claimed, slab);
        claimed.unpin();
    }

    void abandon(CachedPage loading) {
        abandon(loading, null);
    }

    private void abandon(CachedPage loading, @Nullable Slab slab) {
        lock.lock();
        try {
            loading.section().cached(loading.page(), null);
            if (slab != null) {
                loadingBytes -= slab.bytes();
                account.giveBack(slab);
            }
            loadEnded.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void readAndUnpack(OpenFile file, Section section, int page, Slab target) {
        try (AlignedRead read = new AlignedRead(
                file,
                section.pagePosition(page),
                section.slotBytes(page),
                takeBuffer(section.slotBytes(page)),
                account)) {
            AlignedRead.run(io, read);
            file.unpack(section, page, read.memory(), read.offset(), target.segment());
        }
    }

    /** Memory for a page, for which others make room if need be. */
    private Slab takePage(long bytes) {
        long slabBytes = MemoryBudget.slabBytes(bytes);
        lock.lock();
        try {
            while (newPages.bytes() + mainPages.bytes() + loadingBytes + slabBytes > bytesMax) {
                if (!evictOne()) {
                    throw full(slabBytes);
                }
            }
            Slab slab = takeSlab(bytes);
            loadingBytes += slab.bytes();
            return slab;
        } finally {
            lock.unlock();
        }
    }

    /** Memory to read so many bytes into from any position, for which pages make room if need be. */
    Slab takeBuffer(int bytes) {
        lock.lock();
        try {
            return takeSlab(AlignedRead.bufferBytes(bytes));
        } finally {
            lock.unlock();
        }
    }

    private Slab takeSlab(long bytes) {
        while (true) {
            Slab slab = account.tryTake(bytes);
            if (slab != null) {
                return slab;
            }
            if (!evictOne()) {
                throw full(bytes);
            }
        }
    }

    private MemoryLimitException full(long bytes) {
        return new MemoryLimitException("no room for a page of " + Cells.number(bytes) + " bytes in the page cache: "
                + Cells.number(newPages.bytes() + mainPages.bytes() + loadingBytes) + " of "
                + Cells.number(bytesMax)
                + " bytes are taken and all in use at this moment. Run fewer scans at a time, or raise the"
                + " size of the cache");
    }

    /** Frees the page that is worth least; false if all are in use. */
    private boolean evictOne() {
        boolean newFirst = newPages.bytes() * NEW_SHARE > bytesMax || mainPages.count() == 0;
        return newFirst ? evictNew() || evictMain() || evictNew() : evictMain() || evictNew() || evictMain();
    }

    private boolean evictNew() {
        for (int left = newPages.count(); left > 0; left--) {
            CachedPage page = oldest(newPages);
            newPages.remove(page);
            if (page.visits() >= PROMOTION_VISITS) {
                page.visits(0);
                mainPages.add(page);
            } else if (page.tryRetire()) {
                free(page);
                return true;
            } else {
                newPages.add(page);
            }
        }
        return false;
    }

    private boolean evictMain() {
        for (int left = mainPages.count() * 4; left > 0; left--) {
            CachedPage page = oldest(mainPages);
            mainPages.remove(page);
            if (page.visits() > 0) {
                page.visits(page.visits() - 1);
                mainPages.add(page);
            } else if (page.tryRetire()) {
                free(page);
                return true;
            } else {
                mainPages.add(page);
            }
        }
        return false;
    }

    private static CachedPage oldest(CachedPage.Queue queue) {
        CachedPage page = queue.oldest();
        if (page == null) {
            throw new AssertionError("the queue is not empty");
        }
        return page;
    }

    /** Ends a page that is in no queue any more. */
    private void free(CachedPage page) {
        evictions.increment();
        page.section().cached(page.page(), null);
        page.section().evictedAt(page.page(), insertions + 1);
        Slab slab = page.slab();
        if (slab != null) {
            account.giveBack(slab);
        }
    }

    /** Forgets the pages of a file that is being closed; none may be pinned. */
    void drop(Section section) {
        lock.lock();
        try {
            for (int i = 0; i < section.pageCount(); i++) {
                CachedPage page = section.cached(i);
                if (page == null) {
                    continue;
                }
                if (!page.tryRetire()) {
                    throw new IllegalStateException("page " + i + " of section " + section.name()
                            + " is in use while its file is closed; close cursors first");
                }
                (page.isMain ? mainPages : newPages).remove(page);
                free(page);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Requires that all files are closed. */
    @Override
    public void close() {
        lock.lock();
        try {
            int left = newPages.count() + mainPages.count();
            if (left > 0) {
                throw new IllegalStateException(left + " pages are still cached; close the files first");
            }
        } finally {
            lock.unlock();
        }
    }
}
