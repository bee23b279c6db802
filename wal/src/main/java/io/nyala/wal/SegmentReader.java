package io.nyala.wal;

import io.nyala.io.Access;
import io.nyala.io.BlockingIo;
import io.nyala.io.Disk;
import io.nyala.io.DiskFile;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Bytes of one segment after the other through a window of memory, large enough for any record, and the records in
 * them, each checked on its own. One thread; owns the window and the open file.
 */
final class SegmentReader implements AutoCloseable {
    /** Header and largest record, as they may lie across sectors. */
    private static final int WINDOW_BYTES_MAX = 2 * Disk.ALIGNMENT_BYTES
            + (int) RecordFormat.nextWrite(RecordFormat.recordBytes(RecordFormat.PAYLOAD_BYTES_MAX));

    /** Segment header and START record. */
    private static final int PEEK_BYTES = 2 * Disk.ALIGNMENT_BYTES;

    private final Disk disk;
    private final BlockingIo io;
    private final MemoryAccount account;
    private final Access access;
    private final Slab slab;
    private final int windowBytes;
    private final RecordView view = new RecordView();

    private @Nullable DiskFile file;
    private long fileBytes;
    private int aheadBytes;
    private long windowStart;
    private long windowEnd;

    /** @param access for writing too, if {@link #rewriteFrom} will be called */
    SegmentReader(Disk disk, MemoryAccount account, Access access, long segmentBytesMax) {
        this.access = access;
        this.disk = disk;
        this.account = account;
        this.windowBytes = (int) Math.min(WINDOW_BYTES_MAX, segmentBytesMax);
        this.aheadBytes = windowBytes;
        this.io = new BlockingIo(disk);
        try {
            this.slab = account.take(windowBytes);
        } catch (RuntimeException e) {
            io.close();
            throw e;
        }
    }

    /** Turns to another file, of which only the beginning will be read. */
    void peek(Path path) {
        open(path);
        aheadBytes = PEEK_BYTES;
    }

    /** Turns to another file. */
    void open(Path path) {
        aheadBytes = windowBytes;
        closeFile();
        DiskFile opened = disk.open(path, access);
        file = opened;
        fileBytes = opened.bytes();
        windowStart = 0;
        windowEnd = 0;
    }

    long fileBytes() {
        return fileBytes;
    }

    /**
     * Checks what must be true of any segment of this name, or throws {@link CorruptLogException}; {@link
     * UnsupportedLogException} if it is of another version.
     */
    SegmentHeader header(SegmentFiles.Named named) {
        if (fileBytes < SegmentFormat.HEADER_BYTES) {
            throw new CorruptLogException(named.path(), fileBytes, "the file is too short for a segment header");
        }
        long at = at(0, SegmentFormat.HEADER_BYTES);
        int version = SegmentFormat.otherVersion(memory(), at);
        if (!SegmentFormat.isReadable(version)) {
            throw new UnsupportedLogException(named.path(), version);
        }
        String defect = SegmentFormat.defect(memory(), at);
        if (defect != null) {
            throw new CorruptLogException(named.path(), 0, defect);
        }
        SegmentHeader header = SegmentFormat.read(memory(), at);
        if (header.number() != named.number()) {
            throw new CorruptLogException(
                    named.path(), 0, "it is segment " + header.number() + " by its header: it was swapped or renamed");
        }
        if (fileBytes % Disk.ALIGNMENT_BYTES != 0) {
            throw new CorruptLogException(
                    named.path(),
                    fileBytes,
                    String.format(
                            "the file has %,d bytes, which is no multiple of %,d", fileBytes, Disk.ALIGNMENT_BYTES));
        }
        if (header.segmentBytes() != fileBytes) {
            throw new CorruptLogException(
                    named.path(),
                    Math.min(fileBytes, header.segmentBytes()),
                    String.format("the file has %,d bytes, its header says %,d", fileBytes, header.segmentBytes()));
        }
        return header;
    }

    MemorySegment memory() {
        return slab.segment();
    }

    RecordView view() {
        return view;
    }

    /** Reads the record at a position into {@link #view}: what is wrong with it, or null. */
    @Nullable
    String parse(long position) {
        int available = (int) Math.min(RecordFormat.HEADER_BYTES, fileBytes - position);
        long at = at(position, available);
        String defect = view.parse(memory(), at, at + windowEnd - position);
        if (!RecordView.NEEDS_MORE.equals(defect) || available < RecordFormat.HEADER_BYTES) {
            return defect;
        }
        if (position + view.recordBytes() > fileBytes) {
            return "it would end behind the file";
        }
        if (view.recordBytes() > windowBytes - Disk.ALIGNMENT_BYTES && windowBytes < fileBytes) {
            return "it is larger than any record of this log";
        }
        at = at(position, view.recordBytes());
        return view.parse(memory(), at, at + windowEnd - position);
    }

    /** What the START that was just read at the beginning of a segment says. */
    SegmentStart start() {
        long at = payloadAt(SegmentFormat.HEADER_BYTES) - RecordFormat.HEADER_BYTES;
        boolean isOld = view.payloadBytes() < RecordFormat.NAMELESS_START_PAYLOAD_BYTES;
        int streams = isOld ? 0 : memory().get(SegmentFormat.INT, at + RecordFormat.STREAM_COUNT_AT);
        int needs = isOld ? 0 : memory().get(SegmentFormat.INT, at + RecordFormat.NEED_COUNT_AT);
        long asOf = isOld ? 0 : memory().get(SegmentFormat.LONG, at + RecordFormat.NEEDED_AS_OF_AT);
        return new SegmentStart(
                view.sequence(),
                view.durableUpTo(),
                view.oldestSegment(),
                view.continuesAfter(),
                view.previousCrc(),
                view.previousEnd(),
                StreamIndex.read(memory(), at + RecordFormat.STREAMS_AT, streams),
                StreamNeeds.read(asOf, memory(), RecordFormat.entryAt(at, streams), needs));
    }

    /** Where the payload of the record last parsed is, which was at that position. */
    long payloadAt(long position) {
        return position - windowStart + RecordFormat.HEADER_BYTES;
    }

    /** There are only zeros from a position to the next multiple of 4 KiB. */
    boolean isPadded(long position) {
        int bytes = (int) (RecordFormat.nextWrite(position) - position);
        return SegmentFormat.isZero(memory(), at(position, bytes), bytes);
    }

    /**
     * Writes again, durably, the writes from the one that holds a record on. The segment was read before and is in
     * order.
     */
    void rewriteFrom(long sequence, long end) {
        long position = SegmentFormat.HEADER_BYTES;
        while (true) {
            position = isPadded(position) ? RecordFormat.nextWrite(position) : position;
            String defect = parse(position);
            assert defect == null && position < end : defect + " at " + position;
            if (view.sequence() >= sequence) {
                break;
            }
            position += view.recordBytes();
        }
        for (long from = position & -Disk.ALIGNMENT_BYTES; from < end; from += windowBytes) {
            int bytes = (int) Math.min(windowBytes, end - from);
            io.writeDurable(open(), from, memory(), at(from, bytes), bytes);
        }
    }

    @Override
    public void close() {
        try {
            closeFile();
        } finally {
            io.close(); // If this throws, the kernel may still write to the slab.
            account.giveBack(slab);
        }
    }

    /** Where in the window the bytes at a position are, reading them if they are not there. */
    private long at(long position, int bytes) {
        assert position >= 0 && position + bytes <= fileBytes : position + " + " + bytes + " of " + fileBytes;
        if (position < windowStart || position + bytes > windowEnd) {
            windowStart = position & -Disk.ALIGNMENT_BYTES;
            int wanted = (int) Math.min(aheadBytes, (fileBytes & -Disk.ALIGNMENT_BYTES) - windowStart);
            wanted = (int) Math.max(wanted, RecordFormat.nextWrite(position + bytes) - windowStart);
            windowEnd = windowStart; // Nothing, if the read fails.
            io.readFully(open(), windowStart, memory(), 0, wanted);
            windowEnd = windowStart + wanted;
        }
        return position - windowStart;
    }

    private DiskFile open() {
        return Objects.requireNonNull(file, "no file is open");
    }

    private void closeFile() {
        DiskFile opened = file;
        if (opened != null) {
            file = null;
            opened.close();
        }
    }
}
