package io.nyala.cfile;

import org.jspecify.annotations.Nullable;

/** Cached pages in the order in which they came, linked through themselves. Guarded by the cache's lock. */
final class PageQueue {
    private final boolean isMain;
    private @Nullable CachedPage newest;
    private @Nullable CachedPage oldest;
    private long bytes;
    private int count;

    PageQueue(boolean isMain) {
        this.isMain = isMain;
    }

    long bytes() {
        return bytes;
    }

    int count() {
        return count;
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
        bytes += page.bytes();
        count++;
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
        bytes -= page.bytes();
        count--;
    }
}
