package io.nyala.cfile;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Cached pages in the order in which they came, linked through themselves. Guarded by the cache's lock, but that
 * anybody may ask how many there are.
 */
final class PageQueue {
    private final boolean isMain;
    private @Nullable CachedPage newest;
    private @Nullable CachedPage oldest;
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicInteger count = new AtomicInteger();

    PageQueue(boolean isMain) {
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
