package io.nyala.cfile;

import io.nyala.io.Completions;
import io.nyala.io.DiskException;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The reads of one scan that are ahead of it, of one file or of many that share a cache: of each column in units of up
 * to 256 KiB, or of a page that is larger. The next of them are always in flight: one each where columns are many, more
 * where they are few, so that the device always has some. Pages that are cached, or that the scan will skip, are
 * not read.
 *
 * <pre>{@code
 *   file 1, column a   [ decoded ][ read ][in flight]|                   the end of its column
 *   file 2, column a                                 |[in flight][ ... ] prepared: as many as there is room for
 * }</pre>
 *
 * <p>It borrows a queue for as long as it lives. If scans have their share of queues already, or there is no memory for
 * buffers, the scan reads page by page when it comes to them; so it does with larger pages of which two do not fit in
 * half of its buffers.
 *
 * <p>For one thread at a time, that of the scan. Owns its buffers.
 */
public final class ReadAhead implements Completions, AutoCloseable {
    /** A device gives 70 to 80 % of its sequential rate at this size. */
    private static final int UNIT_BYTES = 256 << 10;

    /** Reads in flight for a scan, in all columns of the file that it is at: fewer leave a device idle. */
    private static final int IN_FLIGHT = 8;

    /** In flight for a column: larger units, of larger pages, are fewer, but one at least. */
    private static final int COLUMN_BYTES_IN_FLIGHT = 4 << 20;

    /** The part of all buffers up to which there may be larger ones: the rest is for other columns. */
    private static final int LARGE_SHARE = 2;

    /** One that is decoded, and those ahead of it. */
    private static final int UNITS_PER_STREAM_MAX = 1 + IN_FLIGHT;

    /** Buffers of one scan: a merge of many rowsets has many streams, and those beyond this read page by page. */
    private static final long BUFFER_BYTES_MAX = 32L << 20;

    private final PageCache cache;
    private final MemoryAccount account;
    private final long bufferBytesMax;
    private final List<Unit> units = new ArrayList<>();
    private final @Nullable IoQueue queue;
    private @Nullable Unit idle; // And those behind it: of streams that have ended.
    private @Nullable FileStreams files; // And those behind it.
    private long bufferBytes;
    private int begunStreamCount;
    private int waitingCount;
    private boolean isClosed;

    /** @param bufferBytesMax of all buffers, if that is less than what a scan may have */
    ReadAhead(PageCache cache, MemoryAccount account, long bufferBytesMax) {
        this.cache = cache;
        this.account = account;
        this.bufferBytesMax = Math.min(BUFFER_BYTES_MAX, bufferBytesMax);
        this.queue = cache.borrowForScan();
    }

    /** Some neighbouring pages of a section, read or being read. */
    private static final class Unit {
        private final int index;
        private @Nullable Slab buffer;
        private int firstPage;
        private int endPage;
        private long position;
        private int wantedBytes;
        private int readBytes;
        private boolean isReading;

        /** Nobody has come to it yet. */
        private boolean isWaiting;

        private @Nullable DiskException failure;
        private @Nullable Unit nextIdle;

        Unit(int index) {
            this.index = index;
        }

        boolean has(int page) {
            return firstPage <= page && page < endPage;
        }
    }

    /** The streams of a file. */
    private static final class FileStreams {
        private final OpenFile file;
        private int count;

        /** Whether the scan has come to it: until then its streams take nothing from those of others. */
        private boolean isBegun;

        private @Nullable FileStreams next;

        FileStreams(OpenFile file, @Nullable FileStreams next) {
            this.file = file;
            this.next = next;
        }
    }

    /** What is read ahead of one section. For the scan's thread. */
    final class Stream {
        private final FileStreams siblings;
        private final Section section;
        private final @Nullable VectorSelection wanted;
        private Unit[] own = {};
        private int unitCount;

        /** The unit that was decoded last; those after it are under way. */
        private @Nullable Unit current;

        /** No more than the section has: a scan of many small rowsets has many streams. */
        private final int unitBytes;

        private boolean isEnded;

        private Stream(FileStreams siblings, Section section, @Nullable VectorSelection wanted) {
            this.siblings = siblings;
            this.section = section;
            this.wanted = wanted;
            long end = AlignedRead.alignUp(section.position() + section.bytes());
            this.unitBytes = (int) Math.min(UNIT_BYTES, end - AlignedRead.alignDown(section.position()));
            siblings.count++;
            begunStreamCount += siblings.isBegun ? 1 : 0;
        }

        /**
         * Restores a page at the start of {@code target} and starts reading what comes after it; false if it has to be
         * read otherwise.
         */
        boolean unpack(int page, MemorySegment target) {
            IoQueue open = queue;
            if (open == null) {
                return false;
            }
            begin();
            Unit unit = unitOf(page);
            if (unit == null) {
                unit = start(open, page, 0);
                if (unit == null) {
                    return false;
                }
                current = null; // It may be the same one with other pages.
            }
            if (unit != current) {
                current = unit;
                setWaiting(unit, false);
                startNext(open, unit);
                open.poll(ReadAhead.this);
            }
            await(open, unit);
            unpack(unit, page, target);
            return true;
        }

        private void begin() {
            if (!siblings.isBegun) {
                siblings.isBegun = true;
                begunStreamCount += siblings.count;
            }
        }

        /** Starts reading a page that will be needed, unless it is under way. */
        void prepare(int page) {
            IoQueue open = queue;
            if (open == null || unitOf(page) != null) {
                return;
            }
            Unit unit = start(open, page, 0);
            if (unit == current) {
                current = null; // It has other pages now.
            }
        }

        /**
         * Starts reading one unit more of what is needed from a page on, for a scan that will begin here; false if
         * there is nothing more to read, or no room for it.
         */
        boolean prepareMore(int page) {
            IoQueue open = queue;
            int kept = 0;
            int next = open == null ? -1 : nextNeeded(page);
            for (int ahead = 0; open != null && next >= 0 && ahead < IN_FLIGHT; ahead++) {
                Unit unit = unitOf(next);
                if (unit == null) {
                    boolean isStarted = start(open, next, kept) != null;
                    open.poll(ReadAhead.this);
                    return isStarted;
                }
                kept |= 1 << slotOf(unit);
                next = nextNeeded(unit.endPage);
            }
            return false;
        }

        /** Starts what comes after a unit and is not under way, as far as the share of this stream goes. */
        private void startNext(IoQueue open, Unit unit) {
            int kept = 1 << slotOf(unit);
            int from = unit.endPage;
            int left = (IN_FLIGHT + begunStreamCount - 1) / begunStreamCount;
            for (long bytes = 0; left > 0 && bytes < COLUMN_BYTES_IN_FLIGHT; left--) {
                int page = nextNeeded(from);
                Unit next = page < 0 ? null : unitOf(page);
                if (page >= 0 && next == null) {
                    next = start(open, page, kept);
                }
                if (next == null) {
                    break;
                }
                kept |= 1 << slotOf(next);
                from = next.endPage;
                bytes += next.wantedBytes;
            }
            for (int slot = 0; slot < unitCount; slot++) {
                if ((kept & 1 << slot) == 0) {
                    setWaiting(own[slot], false); // It was skipped.
                }
            }
        }

        private int slotOf(Unit unit) {
            for (int slot = 0; ; slot++) {
                if (own[slot] == unit) {
                    return slot;
                }
            }
        }

        private void unpack(Unit unit, int page, MemorySegment target) {
            DiskException failure = unit.failure;
            if (failure != null) {
                unit.endPage = unit.firstPage; // Whoever tries again reads again.
                throw failure;
            }
            long position = section.pagePosition(page);
            if (position + section.slotBytes(page) > unit.position + unit.readBytes) {
                throw new CorruptPageException(
                        siblings.file.path(),
                        position,
                        "the file ends at byte "
                                + Cells.number(unit.position + unit.readBytes) + ", expected at least "
                                + Cells.number(position + section.slotBytes(page)));
            }
            Slab buffer = unit.buffer;
            if (buffer == null) {
                throw new AssertionError("a unit that was read has a buffer");
            }
            siblings.file.unpack(section, page, buffer.segment(), position - unit.position, target);
        }

        private @Nullable Unit unitOf(int page) {
            for (int slot = 0; slot < unitCount; slot++) {
                if (own[slot].has(page)) {
                    return own[slot];
                }
            }
            return null;
        }

        /** One that is not kept, and best one that nothing is read into. */
        private Unit unused(int kept) {
            Unit found = null;
            for (int slot = 0; slot < unitCount; slot++) {
                if ((kept & 1 << slot) == 0 && (found == null || found.isReading)) {
                    found = own[slot];
                }
            }
            if ((found == null || found.isReading) && unitCount < UNITS_PER_STREAM_MAX) {
                found = idleUnit();
                if (unitCount == own.length) { // Of a stream whose pages are all cached there is none.
                    own = Arrays.copyOf(own, UNITS_PER_STREAM_MAX);
                }
                own[unitCount++] = found;
            }
            return Objects.requireNonNull(found, "there is one unit more than are kept");
        }

        private boolean isNeeded(int page) {
            return section.cached(page) == null && (wanted == null || wanted.hasAny(section, page));
        }

        private int nextNeeded(int from) {
            for (int page = from; page < section.pageCount(); page++) {
                if (isNeeded(page)) {
                    return page;
                }
            }
            return -1;
        }

        /** Starts reading from {@code page} on into a unit that is not kept; null if that is not possible. */
        private @Nullable Unit start(IoQueue open, int page, int kept) {
            long position = AlignedRead.alignDown(section.pagePosition(page));
            long end = AlignedRead.alignUp(section.pagePosition(page) + section.slotBytes(page));
            long bytesMax = Math.max(UNIT_BYTES, end - position);
            Unit unit = unused(kept);
            await(open, unit);
            unit.endPage = unit.firstPage; // What it had is gone, also if nothing comes of this.
            setWaiting(unit, false);
            Slab buffer = bufferOf(unit, Math.max(unitBytes, end - position));
            if (buffer == null) {
                return null;
            }
            int last = page + 1;
            while (last < section.pageCount() && isNeeded(last)) {
                long further = AlignedRead.alignUp(section.pagePosition(last) + section.slotBytes(last));
                if (further - position > bytesMax) {
                    break;
                }
                end = further;
                last++;
            }
            unit.firstPage = page;
            unit.endPage = last;
            unit.position = position;
            unit.wantedBytes = (int) (end - position);
            unit.failure = null;
            awaitRoom(open);
            unit.isReading = true;
            setWaiting(unit, true);
            open.read(siblings.file.file(), position, buffer.segment(), 0, unit.wantedBytes, unit.index);
            return unit;
        }

        /**
         * Waits until nothing is in flight here, and gives the buffers back. To be called before the file is closed;
         * calling it twice does nothing.
         */
        void end() {
            if (isEnded || isClosed) {
                return;
            }
            IoQueue open = queue;
            for (; unitCount > 0; unitCount--) {
                Unit unit = own[unitCount - 1];
                if (open != null) {
                    await(open, unit);
                }
                unit.endPage = unit.firstPage;
                setWaiting(unit, false);
                giveBack(unit);
                unit.nextIdle = idle;
                idle = unit;
            }
            isEnded = true;
            current = null;
            begunStreamCount -= siblings.isBegun ? 1 : 0;
            if (--siblings.count == 0) {
                forget(siblings);
            }
        }
    }

    /** Prepares to read a section of a file; {@code wanted} says which vectors the scan will come to, null all. */
    Stream stream(OpenFile file, Section section, @Nullable VectorSelection wanted) {
        FileStreams known = files;
        while (known != null && !known.file.equals(file)) {
            known = known.next;
        }
        if (known == null) {
            known = new FileStreams(file, files);
            files = known;
        }
        return new Stream(known, section, wanted);
    }

    @SuppressWarnings("ReferenceEquality") // That very one.
    private void forget(FileStreams ended) {
        FileStreams before = null;
        for (FileStreams each = files; each != null && each != ended; each = each.next) {
            before = each;
        }
        if (before == null) {
            files = ended.next;
        } else {
            before.next = ended.next;
        }
    }

    /**
     * Whether fewer reads are ahead of the scan than the device can do with: what it will come to later may be prepared
     * ({@link ColumnCursor#prepareMore}).
     */
    public boolean hasRoom() {
        return queue != null && waitingCount < IN_FLIGHT;
    }

    private void setWaiting(Unit unit, boolean isWaiting) {
        if (unit.isWaiting != isWaiting) {
            unit.isWaiting = isWaiting;
            waitingCount += isWaiting ? 1 : -1;
        }
    }

    private Unit idleUnit() {
        Unit first = idle;
        if (first != null) {
            idle = first.nextIdle;
            return first;
        }
        var made = new Unit(units.size());
        units.add(made);
        return made;
    }

    /** One of so many bytes, or more; null if there is no room. */
    private @Nullable Slab bufferOf(Unit unit, long bytes) {
        Slab present = unit.buffer;
        if (present != null && present.bytes() >= bytes) {
            return present;
        }
        giveBack(unit); // Pages of the column have become larger.
        unit.buffer = isRoomFor(bytes) ? account.tryTake(bytes) : null;
        bufferBytes += unit.buffer == null ? 0 : unit.buffer.bytes();
        return unit.buffer;
    }

    private boolean isRoomFor(long bytes) {
        long room = bytes <= UNIT_BYTES ? bufferBytesMax : bufferBytesMax / LARGE_SHARE;
        return bytes <= room && bufferBytes + MemoryBudget.slabBytes(bytes) <= room;
    }

    private void await(IoQueue open, Unit unit) {
        while (unit.isReading) {
            if (open.poll(this) == 0) {
                open.await(Long.MAX_VALUE);
            }
        }
    }

    private void awaitRoom(IoQueue open) {
        while (open.inFlight() >= open.depthMax()) {
            if (open.poll(this) == 0) {
                open.await(Long.MAX_VALUE);
            }
        }
    }

    @Override
    public void completed(long token, int bytes, @Nullable DiskException failure) {
        Unit unit = units.get((int) token);
        unit.isReading = false;
        unit.readBytes = bytes;
        unit.failure = failure;
    }

    /** Waits until nothing is in flight, and gives everything back. Closing twice does nothing. */
    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        IoQueue open = queue;
        try {
            while (open != null && open.inFlight() > 0) {
                if (open.poll(this) == 0) {
                    open.await(Long.MAX_VALUE);
                }
            }
        } finally {
            try {
                if (open != null) {
                    cache.giveBackFromScan(open); // Waits for what is in flight, or throws.
                }
                units.forEach(unit -> unit.isReading = false);
            } finally {
                units.forEach(this::giveBack);
            }
        }
    }

    /** Not where the kernel may still write. */
    private void giveBack(Unit unit) {
        Slab buffer = unit.buffer;
        if (buffer != null && !unit.isReading) {
            unit.buffer = null;
            bufferBytes -= buffer.bytes();
            account.giveBack(buffer);
        }
    }
}
