package io.nyala.cfile;

import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The decompressed, checked payload of a page in the cache. Nobody changes it, and it stays where it is while it is
 * pinned.
 *
 * <pre>{@code
 *   LOADING --(loaded, pinned by the loader)--> 1 --unpin--> 0 --pin--> 1 ...
 *                                                            0 --evict--> GONE, for ever
 * }</pre>
 *
 * <p>Shared by threads. The queue that it is in, and its links, are guarded by the cache's lock.
 */
final class CachedPage {
    private static final int GONE = -1;
    private static final int LOADING = -2;
    private static final int VISITS_MAX = 3;

    private static final VarHandle PINS;

    static {
        try {
            PINS = MethodHandles.lookup().findVarHandle(CachedPage.class, "pins", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Section section;
    private final int page;

    @SuppressWarnings("UnusedVariable") // Read and written through PINS.
    private int pins = LOADING;

    /**
     * How often it was wanted again, up to a few. Written without a lock: a lost count costs nothing but a little
     * memory of it.
     */
    private int visits;

    private @Nullable Slab slab;
    private MemorySegment memory = MemorySegment.NULL;

    // Guarded by the cache's lock.
    @Nullable
    CachedPage newer;

    @Nullable
    CachedPage older;

    boolean isMain;

    CachedPage(Section section, int page) {
        this.section = section;
        this.page = page;
    }

    Section section() {
        return section;
    }

    int page() {
        return page;
    }

    /** Where the payload begins at offset 0; padding for kernels lies behind it. Only while pinned. */
    MemorySegment memory() {
        return memory;
    }

    @Nullable
    Slab slab() {
        return slab;
    }

    /** Bytes that it takes of the budget. */
    long bytes() {
        Slab taken = slab;
        return taken == null ? 0 : taken.bytes();
    }

    /** Makes the page known as loaded, pinned once. */
    void loaded(Slab taken) {
        slab = taken;
        memory = taken.segment();
        PINS.setRelease(this, 1); // Partner: the compare-and-set in tryPin.
    }

    /** False if it is being loaded, or gone. */
    boolean tryPin() {
        while (true) {
            int seen = (int) PINS.getAcquire(this);
            if (seen < 0) {
                return false;
            }
            if (PINS.compareAndSet(this, seen, seen + 1)) {
                return true;
            }
        }
    }

    void unpin() {
        int before = (int) PINS.getAndAddRelease(this, -1); // Partner: tryRetire, which comes after all reads.
        assert before > 0 : "unpinned more often than pinned: " + before;
    }

    /** Ends it if nobody has it pinned. */
    boolean tryRetire() {
        return PINS.compareAndSet(this, 0, GONE);
    }

    void visited() {
        int seen = visits;
        if (seen < VISITS_MAX) {
            visits = seen + 1;
        }
    }

    int visits() {
        return visits;
    }

    void visits(int count) {
        visits = count;
    }

    /**
     * Cached pages in the order in which they came, linked through themselves. Guarded by the cache's lock, but that
     * anybody may ask how many there are.
     */
    static final class Queue {
        private final boolean isMain;
        private @Nullable CachedPage newest;
        private @Nullable CachedPage oldest;
        private final AtomicLong bytes = new AtomicLong();
        private final AtomicInteger count = new AtomicInteger();

        Queue(boolean isMain) {
            this.isMain = isMain;
        }

        long bytes() {
            return bytes.get();
        }

        int count() {
            return count.get();
        }

        @Nullable
        CachedPage oldest() {
            return oldest;
        }

        void add(CachedPage page) {
            CachedPage before = newest;
            page.isMain = isMain;
            page.older = before;
            page.newer = null;
            newest = page;
            if (before == null) {
                oldest = page;
            } else {
                before.newer = page;
            }
            bytes.addAndGet(page.bytes());
            count.incrementAndGet();
        }

        void remove(CachedPage page) {
            assert page.isMain == isMain : "it is in the other queue";
            CachedPage newer = page.newer;
            CachedPage older = page.older;
            if (newer == null) {
                newest = older;
            } else {
                newer.older = older;
            }
            if (older == null) {
                oldest = newer;
            } else {
                older.newer = newer;
            }
            page.newer = null;
            page.older = null;
            bytes.addAndGet(-page.bytes());
            count.decrementAndGet();
        }
    }
}
