package io.nyala.cfile;

import io.nyala.io.Completions;
import io.nyala.io.DiskException;
import io.nyala.io.IoQueue;
import io.nyala.memory.Slab;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads pages that will be needed soon into the cache, all at once: for look-ups of many keys, and for pages that lie
 * here and there, in one file or in many that share a cache. Neighbours are read together.
 *
 * <pre>{@code
 *   while (something is left) {
 *       prefetch.add(column, vector) ...    // as long as it answers true
 *       prefetch.run();                     // one wait for all of them
 *       use them
 *   }
 * }</pre>
 *
 * <p>Pages that are cached, or that somebody else is loading, cost nothing. Where memory is short it reads less, and
 * the rest is read one by one when it is needed. A page may have left the cache again before it is used.
 *
 * <p>For one thread. It borrows a queue while it runs; allocates nothing for pages that are cached.
 */
public final class Prefetch implements Completions {
    /** Pages of one run. More than a device needs to be busy, and not too much for a small cache. */
    public static final int PAGES_MAX = 64;

    /** Neighbours are read together up to here. */
    private static final int UNIT_BYTES = 128 << 10;

    private final PageCache cache;
    private final @Nullable OpenFile[] files = new OpenFile[PAGES_MAX];
    private final @Nullable Section[] sections = new Section[PAGES_MAX];
    private final int[] pages = new int[PAGES_MAX];
    private final @Nullable CachedPage[] claimed = new CachedPage[PAGES_MAX];
    private int count;

    /** Reads in flight, by the index of their first page. */
    private final int[] unitEnds = new int[PAGES_MAX];

    private final @Nullable Slab[] buffers = new Slab[PAGES_MAX];
    private @Nullable RuntimeException failure;

    Prefetch(PageCache cache) {
        this.cache = cache;
    }

    /**
     * Notes the page of a vector, to be read by the next {@link #run} unless it is cached. Best column by column, in
     * ascending order.
     *
     * @return false if there is no room before that run
     */
    public boolean add(ColumnReader column, int vector) {
        Section section = column.section();
        return add(column.file(), section, section.pageOfRow(vector * ColumnSpec.VECTOR_ROWS));
    }

    /** As above, a page of a raw section. */
    public boolean add(RawReader raw, int page) {
        return add(raw.file(), raw.section(), page);
    }

    /** As above, a page of a key filter; if it turns out to be damaged, that is for who asks the filter. */
    public boolean add(KeyFilter filter, int page) {
        return filter.isDamaged() || add(filter.file(), filter.section(), page);
    }

    private boolean add(OpenFile file, Section section, int page) {
        boolean isLast = count > 0 && sections[count - 1] == section && pages[count - 1] == page;
        if (isLast || section.cached(page) != null) {
            return true;
        }
        if (count == PAGES_MAX) {
            return false;
        }
        files[count] = file;
        sections[count] = section;
        pages[count++] = page;
        return true;
    }

    /** Reads what was noted, and waits for it; throws the first failure. */
    public void run() {
        if (count == 0) {
            return;
        }
        try {
            IoQueue queue = cache.io().borrow(); // Before the first claim: who holds one waits for its reads only.
            try {
                readAll(queue);
            } finally {
                end(queue);
            }
            RuntimeException thrown = failure;
            if (thrown != null) {
                throw thrown;
            }
        } finally {
            forget();
        }
    }

    /** Forgets what was noted since the last {@link #run}, for who cannot go on: its files may be closed by then. */
    public void forget() {
        Arrays.fill(files, 0, count, null);
        Arrays.fill(sections, 0, count, null);
        Arrays.fill(buffers, 0, count, null); // Those of a queue that could not be closed are lost.
        count = 0;
        failure = null;
    }

    private void end(IoQueue queue) {
        try {
            await(queue, 0);
        } finally {
            abandon(0, count); // Where the queue has failed.
            cache.io().giveBack(queue); // If that throws, it may still write to buffers, which are not given back then.
            giveBackBuffers();
        }
    }

    /** Of reads whose end was not handed out, because something failed between. */
    private void giveBackBuffers() {
        for (int i = 0; i < count; i++) {
            Slab buffer = buffers[i];
            buffers[i] = null;
            if (buffer != null) {
                cache.account().giveBack(buffer);
            }
        }
    }

    private void readAll(IoQueue queue) {
        for (int next = 0; next < count && failure == null; ) {
            if (claim(next)) {
                int end = claimNeighbours(next);
                if (!read(queue, next, end)) {
                    return;
                }
                next = end;
            } else {
                next++;
            }
        }
    }

    private boolean claim(int index) {
        claimed[index] = cache.claim(section(index), pages[index]);
        return claimed[index] != null;
    }

    private Section section(int index) {
        Section section = sections[index];
        if (section == null) {
            throw new AssertionError("no page " + index);
        }
        return section;
    }

    private OpenFile file(int index) {
        OpenFile file = files[index];
        if (file == null) {
            throw new AssertionError("no page " + index);
        }
        return file;
    }

    /** Claims what lies directly behind a page and can be read with it; answers where that ends. */
    private int claimNeighbours(int first) {
        int end = first + 1;
        while (end < count
                && section(end) == section(first)
                && pages[end] == pages[end - 1] + 1
                && unitBytes(first, end + 1) <= UNIT_BYTES
                && claim(end)) {
            end++;
        }
        return end;
    }

    private long unitPosition(int first) {
        return AlignedRead.alignDown(section(first).pagePosition(pages[first]));
    }

    private long unitBytes(int first, int end) {
        int last = end - 1;
        Section section = section(last);
        long pageEnd = section.pagePosition(pages[last]) + section.slotBytes(pages[last]);
        return AlignedRead.alignUp(pageEnd) - unitPosition(first);
    }

    /** Starts reading claimed pages; false if there is no memory for it. */
    private boolean read(IoQueue queue, int first, int end) {
        int bytes = Math.toIntExact(unitBytes(first, end));
        Slab buffer = cache.account().tryTake(bytes);
        while (buffer == null && queue.inFlight() > 0) {
            await(queue, queue.inFlight() - 1);
            buffer = cache.account().tryTake(bytes);
        }
        if (buffer == null) {
            abandon(first, end);
            return false;
        }
        buffers[first] = buffer; // From here on end() sees to it, whatever fails.
        unitEnds[first] = end;
        await(queue, queue.depthMax() - 1);
        queue.read(file(first).file(), unitPosition(first), buffer.segment(), 0, bytes, first);
        return true; // Not polled: so they all start with one call of the kernel.
    }

    /** Waits until at most so many reads are in flight. */
    private void await(IoQueue queue, int inFlightMax) {
        while (queue.inFlight() > inFlightMax) {
            if (queue.poll(this) == 0) {
                queue.await(Long.MAX_VALUE);
            }
        }
    }

    @Override
    public void completed(long token, int bytes, @Nullable DiskException cause) {
        int first = (int) token;
        int end = unitEnds[first];
        Slab buffer = buffers[first];
        buffers[first] = null;
        if (buffer == null) {
            throw new AssertionError("no read began with page " + first);
        }
        int done = first;
        try {
            if (cause != null) {
                throw cause;
            }
            for (; done < end; done++) {
                loadOrLeave(done, unitPosition(first), bytes, buffer);
            }
        } catch (RuntimeException e) {
            failure = failure == null ? e : failure;
        } finally {
            abandon(done, end);
            cache.account().giveBack(buffer);
        }
    }

    private void loadOrLeave(int index, long position, int readBytes, Slab buffer) {
        try {
            load(index, position, readBytes, buffer);
        } catch (CorruptPageException e) {
            if (!section(index).isKeyFilter()) {
                throw e;
            }
            abandon(index, index + 1);
        }
    }

    private void load(int index, long position, int readBytes, Slab buffer) {
        Section section = section(index);
        long offset = section.pagePosition(pages[index]) - position;
        if (offset + section.slotBytes(pages[index]) > readBytes) {
            throw new CorruptPageException(
                    file(index).path(),
                    section.pagePosition(pages[index]),
                    "the file ends at byte " + Cells.number(position + readBytes) + ", expected at least "
                            + Cells.number(position + offset + section.slotBytes(pages[index])));
        }
        CachedPage page = claimed[index];
        claimed[index] = null; // From here on the cache sees to it.
        if (page != null) {
            cache.load(file(index), page, buffer.segment(), offset);
        }
    }

    private void abandon(int first, int end) {
        for (int i = first; i < end; i++) {
            CachedPage page = claimed[i];
            claimed[i] = null;
            if (page != null) {
                cache.abandon(page);
            }
        }
    }
}
