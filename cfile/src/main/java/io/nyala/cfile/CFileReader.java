package io.nyala.cfile;

import io.nyala.cfile.FileFormat.Identity;
import io.nyala.cfile.FileFormat.Trailer;
import io.nyala.cfile.FooterFormat.Footer;
import io.nyala.cfile.PageFormat.Page;
import io.nyala.encoding.VectorFormat;
import io.nyala.io.Access;
import io.nyala.io.Disk;
import io.nyala.io.DiskFile;
import io.nyala.io.IoPool;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An open file: its directory and key index in memory, its pages through the cache, those of the key filter included.
 *
 * <pre>{@code
 *   open: header, trailer, footer, index  --checked-->  resident
 *   read: ColumnReader --> ColumnCursor --> PageCache --> [ file ]
 *                          KeyFilter ----------^
 * }</pre>
 *
 * <p>Immutable; shared by threads. Owns the file and the resident memory. Whoever opened it closes it, after its
 * cursors.
 */
public final class CFileReader implements AutoCloseable {
    private final OpenFile file;
    private final long bytes;
    private final Footer footer;
    private final PageCache cache;
    private final Resident resident;
    private final Map<Integer, ColumnReader> columns;
    private final @Nullable KeyFilter keyFilter;
    private final @Nullable KeyIndex keyIndex;

    /** Where a file is, and who it should be. */
    public record Source(Disk disk, Path path, long fileId, long ownerId) {}

    /** Memory of a file that stays while it is open. */
    private static final class Resident {
        /** So that no two pieces share a line of the processor's cache. */
        private static final int ALIGNMENT_BYTES = 64;

        private final MemoryAccount account;
        private final List<Slab> slabs = new ArrayList<>();
        private final List<PageDictionary> dictionaries = new ArrayList<>();
        private long usedBytes; // Of the last slab.

        Resident(MemoryAccount account) {
            this.account = account;
        }

        /** Takes one slab for pieces that are about to be taken, if that is not more than a slab for each. */
        void expect(List<Long> pieces) {
            long together = 0;
            long apart = 0;
            for (long piece : pieces) {
                together += aligned(piece);
                apart += MemoryBudget.slabBytes(Math.max(1, piece));
            }
            if (together <= MemoryBudget.SLAB_BYTES_MAX && MemoryBudget.slabBytes(Math.max(1, together)) <= apart) {
                add(together);
            }
        }

        MemorySegment take(long wanted) {
            if (slabs.isEmpty() || slabs.getLast().bytes() - usedBytes < wanted) {
                add(wanted);
            }
            long start = usedBytes;
            usedBytes += aligned(wanted);
            return slabs.getLast().segment().asSlice(start, wanted);
        }

        private void add(long bytes) {
            slabs.add(account.take(Math.max(1, bytes)));
            usedBytes = 0;
        }

        private static long aligned(long bytes) {
            return (bytes + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
        }

        /** A dictionary of bytes that are part of this, with which it is closed. */
        PageDictionary open(MemorySegment bytes) {
            take(PageDictionary.TABLE_BYTES);
            PageDictionary dictionary = PageDictionary.wrap(bytes);
            dictionaries.add(dictionary);
            return dictionary;
        }

        void close() {
            dictionaries.forEach(PageDictionary::close);
            dictionaries.clear();
            slabs.forEach(account::giveBack);
            slabs.clear();
        }
    }

    private CFileReader(Opening opening, Footer footer, PageCache cache) {
        this.file = opening.file;
        this.bytes = opening.fileBytes;
        this.footer = footer;
        this.cache = cache;
        this.resident = opening.resident;
        this.keyFilter = opening.keyFilter;
        this.keyIndex = opening.keyIndex;
        this.columns = new HashMap<>();
        for (Section section : footer.sections()) {
            if (section.isColumn()) {
                columns.put(section.id(), new ColumnReader(file, section, cache));
            }
        }
    }

    /**
     * Opens a file and checks everything but its pages.
     *
     * @param account pays for what stays in memory: directory and key index; and, while they are read, for what they
     *     are read into, since the cache may be full of pages in use
     * @throws CorruptPageException if it is damaged, or another file
     * @throws UnsupportedFormatException if it is of another version
     */
    public static CFileReader open(Source source, PageCache cache, MemoryAccount account) {
        DiskFile diskFile = source.disk().open(source.path(), Access.READ);
        var resident = new Resident(account);
        try {
            var file = new OpenFile(diskFile, new Identity(source.fileId(), source.ownerId()));
            return new Opening(file, cache, resident).run();
        } catch (RuntimeException | Error e) {
            resident.close();
            diskFile.closeAfter(e);
            throw e;
        }
    }

    /**
     * The steps of opening: header and end of the file are read at once, and in the end is mostly all that stays in
     * memory. For one thread.
     */
    private static final class Opening {
        /** Read into 64 KiB; a file of 32 MiB has 20 to 40 KiB of footer and key index. */
        private static final int END_BYTES = (64 << 10) - FileFormat.HEADER_BYTES;

        /** No page should be more of the cache than this. */
        private static final int CACHE_PART = 8;

        private final OpenFile file;
        private final PageCache cache;
        private final Resident resident;
        private final long fileBytes;

        /** All of them, in memory until it is open. */
        private final List<AlignedRead> reads = new ArrayList<>();

        private @Nullable KeyFilter keyFilter;
        private @Nullable KeyIndex keyIndex;

        Opening(OpenFile file, PageCache cache, Resident resident) {
            this.file = file;
            this.cache = cache;
            this.resident = resident;
            this.fileBytes = file.file().bytes();
        }

        CFileReader run() {
            if (fileBytes < 2L * FileFormat.HEADER_BYTES
                    || fileBytes % Disk.ALIGNMENT_BYTES != 0
                    || fileBytes > FileFormat.FILE_BYTES_MAX) {
                throw new CorruptPageException(
                        file.path(),
                        0,
                        "the file has " + Cells.number(fileBytes)
                                + " bytes, which none of ours has: it was cut, or never finished");
            }
            try {
                return readAll();
            } finally {
                reads.forEach(AlignedRead::close);
            }
        }

        private CFileReader readAll() {
            long endStart = Math.max(FileFormat.HEADER_BYTES, fileBytes - END_BYTES);
            AlignedRead header = prepare(0, FileFormat.HEADER_BYTES);
            AlignedRead.run(cache.io(), header, prepare(endStart, Math.toIntExact(fileBytes - endStart)));
            FileFormat.checkHeader(file.path(), header.memory(), 0, file.identity());
            Trailer trailer = readTrailer();
            MemorySegment payload = readFooter(trailer);
            Footer footer = parse(trailer, payload);
            for (Section section : footer.sections()) {
                openResident(section, footer);
            }
            return new CFileReader(this, footer, cache);
        }

        private AlignedRead prepare(long position, int bytes) {
            MemoryAccount account = resident.account;
            Slab buffer = account.take(AlignedRead.bufferBytes(bytes));
            AlignedRead read = new AlignedRead(file, position, bytes, buffer, account);
            reads.add(read);
            return read;
        }

        /** What has these bytes, which may be more. */
        private AlignedRead read(long position, int bytes) {
            for (AlignedRead each : reads) {
                if (each.has(position, bytes)) {
                    return each;
                }
            }
            AlignedRead read = prepare(position, bytes);
            AlignedRead.run(cache.io(), read);
            return read;
        }

        private Trailer readTrailer() {
            long position = fileBytes - FileFormat.TRAILER_BYTES;
            AlignedRead read = read(position, FileFormat.TRAILER_BYTES);
            return FileFormat.readTrailer(
                    file.path(), read.memory(), read.offset(position), file.identity(), fileBytes);
        }

        private MemorySegment readFooter(Trailer trailer) {
            long position = trailer.footerPosition();
            int toEnd = Math.toIntExact(fileBytes - position);
            AlignedRead read = read(position, toEnd);
            long start = read.offset(position);
            int padding = toEnd - trailer.footerBytes() - FileFormat.TRAILER_BYTES;
            if (padding >= Disk.ALIGNMENT_BYTES
                    || !Cells.isZero(read.memory(), start + trailer.footerBytes(), padding)) {
                throw new CorruptPageException(
                        file.path(), position + trailer.footerBytes(), "padding before the trailer is not zero");
            }
            int stored = PageFormat.storedBytes(read.memory(), start);
            Page page = new Page(PageFormat.FOOTER_ID, position, trailer.footerBytes(), stored, 0, 0);
            PageFormat.check(file.path(), read.memory(), start, file.identity(), page);
            MemorySegment unpacked = read.memory().asSlice(start + PageFormat.HEADER_BYTES, stored);
            Footer footer = parse(trailer, unpacked);
            resident.expect(residentBytes(footer, stored));
            MemorySegment payload = resident.take(stored);
            file.unpack(page, read.memory(), start, payload);
            return payload;
        }

        private Footer parse(Trailer trailer, MemorySegment payload) {
            long position = trailer.footerPosition();
            try {
                Footer footer = FooterFormat.read(payload, position);
                if (footer.rowCount() != trailer.rowCount()) {
                    throw new IllegalArgumentException(
                            "rows are " + footer.rowCount() + ", the trailer says " + trailer.rowCount());
                }
                return footer;
            } catch (IllegalArgumentException | IndexOutOfBoundsException | ArithmeticException e) {
                throw new CorruptPageException(
                        file.path(), position, "the footer makes no sense: " + e.getMessage(), e);
            }
        }

        /** Of the footer itself, then of the sections that stay. */
        private static List<Long> residentBytes(Footer footer, long footerBytes) {
            List<Long> pieces = new ArrayList<>(List.of(footerBytes));
            for (Section section : footer.sections()) {
                if (section.kind() == SectionKind.KEY_INDEX) {
                    pieces.add((long) section.payloadBytes(0));
                } else if (section.kind() == SectionKind.DICTIONARY) {
                    pieces.add((long) section.payloadBytes(0));
                    pieces.add((long) PageDictionary.TABLE_BYTES);
                }
            }
            return pieces;
        }

        private void openResident(Section section, Footer footer) {
            try {
                if (section.kind() == SectionKind.KEY_INDEX) {
                    keyIndex = KeyIndex.wrap(readResident(section));
                } else if (section.kind() == SectionKind.KEY_FILTER || isCacheable(section)) {
                    keyFilter = new KeyFilter(file, section, cache);
                } else if (section.kind() == SectionKind.DICTIONARY) {
                    Section column = footer.columnWithoutDictionary(section.id());
                    column.dictionary(resident.open(readResident(section)), section);
                }
            } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
                throw new CorruptPageException(
                        file.path(), section.position(), section.name() + " makes no sense: " + e.getMessage(), e);
            }
        }

        /** A filter of before was one page, which can be larger than all that a cache has room for. */
        private boolean isCacheable(Section section) {
            return section.kind() == SectionKind.KEY_FILTER_BEFORE
                    && section.payloadBytes(0) <= cache.bytesMax() / CACHE_PART;
        }

        private MemorySegment readResident(Section section) {
            MemorySegment payload = resident.take(section.payloadBytes(0));
            AlignedRead read = read(section.position(), section.slotBytes(0));
            file.unpack(section, 0, read.memory(), read.offset(section.position()), payload);
            return payload;
        }
    }

    public Path path() {
        return file.path();
    }

    public long fileId() {
        return file.identity().fileId();
    }

    public long ownerId() {
        return file.identity().ownerId();
    }

    /** Length of the file. */
    public long bytes() {
        return bytes;
    }

    public long rowCount() {
        return footer.rowCount();
    }

    public int vectorCount() {
        return (int) ((rowCount() + ColumnSpec.VECTOR_ROWS - 1) / ColumnSpec.VECTOR_ROWS);
    }

    /** What the writer's caller put into the footer; a copy. */
    public byte[] metadata() {
        return footer.metadata().toArray(Cells.BYTE);
    }

    public boolean hasColumn(int id) {
        return columns.containsKey(id);
    }

    /** All columns, in the order in which they were added. */
    public List<ColumnReader> columns() {
        List<ColumnReader> all = new ArrayList<>();
        for (Section section : footer.sections()) {
            if (section.isColumn()) {
                all.add(column(section.id()));
            }
        }
        return all;
    }

    /** The column with this id, which the file has. */
    public ColumnReader column(int id) {
        ColumnReader column = columns.get(id);
        if (column == null) {
            throw new IllegalArgumentException(path() + " has no column with id " + id);
        }
        return column;
    }

    /** Null if the file was written without keys, or if its filter is of before and too large for the cache. */
    public @Nullable KeyFilter keyFilter() {
        return keyFilter;
    }

    /** Null if the file was written without keys. */
    public @Nullable KeyIndex keyIndex() {
        return keyIndex;
    }

    /** Whether it has a key filter and a key index as they are written now, and no older ones. */
    public boolean hasKeys() {
        return keySections().size() == 2;
    }

    /** Key filter and key index, if they are as they are written now. */
    List<Section> keySections() {
        return footer.sections().stream()
                .filter(section -> section.kind() == SectionKind.KEY_FILTER || section.kind() == SectionKind.KEY_INDEX)
                .toList();
    }

    /** Pages of all its sections. */
    public int pageCount() {
        return footer.sections().stream().mapToInt(Section::pageCount).sum();
    }

    OpenFile file() {
        return file;
    }

    IoPool io() {
        return cache.io();
    }

    /**
     * The reads of a scan that is about to begin, of this file and of others that share its cache; {@code account} pays
     * for their buffers. The caller closes it.
     */
    public ReadAhead readAhead(MemoryAccount account) {
        return readAhead(account, Long.MAX_VALUE);
    }

    /** As above, with buffers of so many bytes at most. */
    public ReadAhead readAhead(MemoryAccount account, long bufferBytesMax) {
        return new ReadAhead(cache, account, bufferBytesMax);
    }

    /** Reads pages that will be needed into the cache, many at a time: of all files of this cache. For one thread. */
    public Prefetch prefetch() {
        return new Prefetch(cache);
    }

    /** The raw section with this id, which the file has. */
    public RawReader rawPages(int id) {
        return new RawReader(file, raw(id), cache);
    }

    /** Bytes of a raw section that is one page. */
    public long rawBytes(int id) {
        return raw(id).payloadBytes(0);
    }

    /** Reads such a section, past the cache, into {@code target}, which has {@link #rawBytes} at {@code offset}. */
    public void readRaw(int id, MemorySegment target, long offset) {
        Section section = raw(id);
        readPage(section, 0, target.asSlice(offset, section.payloadBytes(0)));
    }

    private Section raw(int id) {
        for (Section section : footer.sections()) {
            if (section.kind() == SectionKind.RAW && section.id() == id) {
                return section;
            }
        }
        throw new IllegalArgumentException(path() + " has no raw section with id " + id);
    }

    /** Reads a page past the cache. */
    private void readPage(Section section, int page, MemorySegment target) {
        int slotBytes = section.slotBytes(page);
        Slab buffer = cache.takeBuffer(slotBytes);
        try (var read = new AlignedRead(file, section.pagePosition(page), slotBytes, buffer, cache.account())) {
            AlignedRead.run(cache.io(), read);
            file.unpack(section, page, read.memory(), read.offset(), target);
        }
    }

    /** Reads and checks every page of the file, past the cache, and all values; throws at the first that is damaged. */
    public void verify() {
        try (var values = new OpenFile.ValueReader(file, cache.account())) {
            for (Section section : footer.sections()) {
                for (int page = 0; page < section.pageCount(); page++) {
                    verify(section, page, values);
                }
            }
        }
    }

    private void verify(Section section, int page, OpenFile.ValueReader values) {
        Slab slab = cache.account().take(section.payloadBytes(page) + (long) VectorFormat.READ_PADDING_BYTES);
        try {
            readPage(section, page, slab.segment());
            if (section.isColumn()) {
                values.check(section, page, slab.segment());
            }
        } finally {
            cache.account().giveBack(slab);
        }
    }

    /** Closes the file and takes its pages out of the cache. */
    @Override
    public void close() {
        footer.sections().forEach(cache::drop);
        resident.close();
        file.file().close();
    }

    /** Closes it because of a failure, which is what the caller is told; one of closing is attached to that. */
    public void closeAfter(Throwable failure) {
        try {
            close();
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }
}
