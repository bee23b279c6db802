package io.nyala.cfile;

import io.nyala.memory.Check;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A section of an open file whose pages only the caller understands, and cursors over them.
 *
 * <p>Immutable; shared by threads. Belongs to its {@link CFileReader}.
 */
public final class RawReader {
    private final OpenFile file;
    private final Section section;
    private final PageCache cache;

    RawReader(OpenFile file, Section section, PageCache cache) {
        this.file = file;
        this.section = section;
        this.cache = cache;
    }

    public int id() {
        return section.id();
    }

    public String name() {
        return section.name();
    }

    public int pageCount() {
        return section.pageCount();
    }

    /** Where a page is in the file, for messages. */
    public long position(int page) {
        return section.pagePosition(page);
    }

    /** Whether a page is in the cache, or on its way there, at this moment. */
    public boolean isCached(int page) {
        return section.cached(page) != null;
    }

    OpenFile file() {
        return file;
    }

    Section section() {
        return section;
    }

    /**
     * A cursor that reads a page, through the cache, when it comes to it. For who goes forward: to the cache, the same
     * page time after time is one visit.
     */
    public Cursor cursor() {
        return new Cursor(file, section, cache);
    }

    /**
     * A position in a section of pages that only the caller understands: one page, pinned. Allocates nothing while
     * pages are found in the cache.
     *
     * <p>Belongs to one thread at a time. Whoever opened it closes it, before the file.
     */
    public static final class Cursor implements AutoCloseable {
        private final OpenFile file;
        private final Section section;
        private final PageCache cache;
        private @Nullable CachedPage page;
        private int lastPage = -1; // Pinned or not.
        private MemorySegment memory = MemorySegment.NULL;

        private Cursor(OpenFile file, Section section, PageCache cache) {
            this.file = file;
            this.section = section;
            this.cache = cache;
        }

        /** Goes to a page. */
        public void seek(int target) {
            Check.inRange("page", target, 0, section.pageCount() - 1L);
            release();
            CachedPage pinned = target == lastPage
                    ? cache.pinAgain(file, section, target, null)
                    : cache.pin(file, section, target, null);
            page = pinned;
            lastPage = target;
            memory = pinned.memory();
        }

        /** Where the page's payload begins at offset 0; behind it lies the padding that kernels read. */
        public MemorySegment memory() {
            return memory;
        }

        /** Of the payload. */
        public int bytes() {
            CachedPage pinned = page;
            return pinned == null ? 0 : section.payloadBytes(pinned.page());
        }

        /** Unpins the page; {@link #seek} pins again. */
        public void release() {
            CachedPage pinned = page;
            page = null;
            memory = MemorySegment.NULL;
            if (pinned != null) {
                pinned.unpin();
            }
        }

        @Override
        public void close() {
            release();
        }
    }
}
