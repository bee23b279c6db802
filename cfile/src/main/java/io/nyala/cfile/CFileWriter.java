package io.nyala.cfile;

import io.nyala.cfile.FileFormat.Identity;
import io.nyala.cfile.FooterFormat.SectionEntry;
import io.nyala.encoding.EncoderScratch;
import io.nyala.io.Disk;
import io.nyala.io.IoQueue;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes one file: columns in parallel, cell by cell, into memory; then everything at once to the disk.
 *
 * <pre>{@code
 *   ColumnWriter --> finished pages --\
 *   ColumnWriter --> finished pages ---+--> finish(): places, checksums, footer, trailer --> [ file ] --> sync
 *   KeyWriter    --> filter, index ---/
 *   other file   --> pages ----------/
 * }</pre>
 *
 * Nothing is on disk before {@link #finish}, which creates the file, writes it and makes its contents durable. Its name
 * is durable when the caller has synced the directory; the caller makes known before that the file may exist.
 *
 * <p>Memory grows with what is appended: {@link #estimatedBytes} and the working memory of each column (16 to 64 KiB).
 * Begin another file when the estimate passes what a file should have.
 *
 * <p>Belongs to one thread. Whoever opened it closes it, which gives back all memory.
 */
public final class CFileWriter implements AutoCloseable {
    /** Ids from here on are ours. */
    static final int RESERVED_IDS = 0x7FFF_0000;

    static final int KEY_FILTER_ID = RESERVED_IDS;
    static final int KEY_INDEX_ID = RESERVED_IDS + 1;

    static final PageCodec NO_COMPRESSION = new PageCodec(CompressionHint.NONE);

    private final MemoryAccount account;
    private final EncoderScratch scratch;
    private final ByteSink vector;
    private final ByteSink assembly;
    private final PageDictionary.Trainer.Held held = new PageDictionary.Trainer.Held();
    private final List<Part> columns = new ArrayList<>();
    private final List<Part> raws = new ArrayList<>();
    private final Set<Integer> ids = new HashSet<>();
    private @Nullable KeyWriter keys;
    private FileOutput.@Nullable Whole writing;
    private boolean isFinished;
    private boolean isClosed;

    /** A section of the file. Of the writer's thread, and closed with it. */
    abstract static class Part {
        abstract SectionEntry entry();

        /** Of a column; otherwise 0. */
        abstract long rowCount();

        /** Makes pages of everything. */
        abstract void finish();

        /** Of all pages; what it would be now, before {@link #finish}. */
        abstract long estimatedBytes();

        /** Of all pages that are finished. */
        abstract long bytes();

        abstract int pageCount();

        /**
         * Writes some pages more to {@code output}, which decides where they are, about half a MiB at most; false if
         * all were written before.
         */
        abstract boolean writeSome(FileOutput output, Identity identity);

        /** What the footer says of each page. */
        abstract void putEntries(ByteSink footer);

        /** By which its pages are compressed, if they are, a section of its own; known after {@link #finish}. */
        @Nullable
        Part dictionary() {
            return null;
        }

        abstract void close();
    }

    /** A section whose pages only the caller understands. Of the writer's thread, and closed with it. */
    public static final class RawSection extends Part {
        private final SectionEntry entry;
        private final PageCodec codec;
        private final PageStore pages;
        private final ByteSink entries;

        RawSection(SectionEntry entry, PageCodec codec, MemoryAccount account) {
            this.entry = entry;
            this.codec = codec;
            this.pages = new PageStore(account);
            this.entries = new ByteSink(account);
        }

        /** Adds a page with all of {@code payload}, which is copied; it is native memory where it is compressed. */
        public void add(MemorySegment payload) {
            Check.inRange(
                    "bytes of a page of section " + entry.name(), payload.byteSize(), 0, Section.PAYLOAD_BYTES_MAX);
            int slotBytes = pages.add(payload, codec, 0, 0, 0);
            FooterFormat.putRawPage(entries, slotBytes, Math.toIntExact(payload.byteSize()));
        }

        @Override
        SectionEntry entry() {
            return entry;
        }

        @Override
        long rowCount() {
            return 0;
        }

        @Override
        void finish() {
            Check.positive("pages of section " + entry.name(), pages.pageCount());
        }

        @Override
        long estimatedBytes() {
            return pages.bytes();
        }

        @Override
        long bytes() {
            return pages.bytes();
        }

        @Override
        int pageCount() {
            return pages.pageCount();
        }

        @Override
        boolean writeSome(FileOutput output, Identity identity) {
            return pages.writeSome(output, identity, entry.id());
        }

        @Override
        void putEntries(ByteSink footer) {
            footer.put(entries.memory(), 0, entries.bytes());
        }

        @Override
        void close() {
            pages.close();
            entries.close();
        }
    }

    /** Of a column that is still to be written. */
    private static final class ReservedPlace extends Part {
        private final ColumnSpec spec;

        ReservedPlace(ColumnSpec spec) {
            this.spec = spec;
        }

        @Override
        SectionEntry entry() {
            return ColumnWriter.entry(spec);
        }

        @Override
        long rowCount() {
            return 0;
        }

        @Override
        void finish() {
            // There is nothing that pages could be made of.
        }

        @Override
        long estimatedBytes() {
            return 0;
        }

        @Override
        long bytes() {
            return 0;
        }

        @Override
        int pageCount() {
            return 0;
        }

        @Override
        boolean writeSome(FileOutput output, Identity identity) {
            return false; // A column of no rows has no pages.
        }

        @Override
        void putEntries(ByteSink footer) {
            // Likewise.
        }

        @Override
        void close() {
            // It has taken nothing.
        }
    }

    /**
     * A file that was written.
     *
     * @param bytes its length
     * @param rowCount rows of each column
     */
    public record Written(long bytes, long rowCount) {}

    public CFileWriter(MemoryAccount account) {
        this.account = account;
        this.scratch = new EncoderScratch(account);
        this.vector = new ByteSink(account);
        this.assembly = new ByteSink(account);
    }

    /** Adds a column; all get the same number of cells. */
    public ColumnWriter addColumn(ColumnSpec spec) {
        takeId(spec.id());
        ColumnWriter column = new ColumnWriter(spec, account, scratch, vector, assembly, held);
        columns.add(column);
        return column;
    }

    /**
     * Keeps the place of a column that is written when others are: it takes no memory before {@link #begin}. Answers by
     * what it is begun.
     */
    public int reserveColumn(ColumnSpec spec) {
        takeId(spec.id());
        columns.add(new ReservedPlace(spec));
        return columns.size() - 1;
    }

    /** Begins the column of a place that {@link #reserveColumn} kept; to be followed by {@link #end}. */
    public ColumnWriter begin(int place) {
        checkOpen();
        if (!(columns.get(place) instanceof ReservedPlace reserved)) {
            throw new IllegalStateException(
                    "column " + columns.get(place).entry().name() + " was begun already");
        }
        var column = new ColumnWriter(reserved.spec, account, scratch, vector, assembly, held);
        columns.set(place, column);
        return column;
    }

    /** Makes pages of everything that a column got, which is all: only they take memory from here on. */
    public void end(int place) {
        columns.get(place).finish();
    }

    /**
     * Adds a column whose pages are those of another file, as they are: it has as many rows as the others. They are
     * read by {@link #finish}; the other file is open until then.
     *
     * @param spec what the column is called from now on, with the id and the cells that it has there
     */
    public void copyColumn(ColumnSpec spec, ColumnReader source) {
        Check.inRange("id of a column that is copied", spec.id(), source.id(), source.id());
        Check.that(spec.kind() == source.kind(), "a column that is copied keeps its cells");
        takeId(spec.id());
        columns.add(new CopiedSection(
                ColumnWriter.entry(spec),
                source.file(),
                source.section(),
                source.cache().io(),
                account));
    }

    /** Takes key filter and key index from another file, which {@link CFileReader#hasKeys has} them, as they are. */
    public void copyKeys(CFileReader source) {
        checkOpen();
        Check.that(keys == null, "a file has keys once");
        for (Section section : source.keySections()) {
            raws.add(new CopiedSection(section.entry(), source.file(), section, source.io(), account));
        }
    }

    /**
     * Asks for a key filter and a key index; the writer gets the key of each row. At most once.
     *
     * @param filterRate part of other keys that the filter may let through, as {@link KeyFilter#checkRate} allows
     */
    public KeyWriter addKeys(double filterRate) {
        Check.that(keys == null, "a file has keys once");
        KeyWriter writer = new KeyWriter(account, filterRate);
        keys = writer;
        return writer;
    }

    /** Adds bytes that only the caller understands, as one page; they are copied. */
    public void addRaw(int id, String name, MemorySegment memory, long offset, long bytes) {
        addRaw(id, name, CompressionHint.NONE).add(memory.asSlice(offset, bytes));
    }

    /** Begins a section of pages that only the caller understands; it is to get at least one. */
    public RawSection addRaw(int id, String name, CompressionHint compression) {
        takeId(id);
        return addRaw(new SectionEntry(SectionKind.RAW, 0, 0, id, name), compression);
    }

    private RawSection addRaw(SectionEntry entry, CompressionHint compression) {
        var raw = new RawSection(entry, new PageCodec(compression), account);
        raws.add(raw);
        return raw;
    }

    private void takeId(int id) {
        checkOpen();
        Check.inRange("id of a section", id, 0, RESERVED_IDS - 1L);
        Check.that(ids.size() < FooterFormat.SECTIONS_MAX - 2, "a file has at most 2,046 sections");
        if (!ids.add(id)) {
            throw new IllegalArgumentException("two sections of a file have the id " + id);
        }
    }

    /** About the bytes of the file if it were finished now. */
    public long estimatedBytes() {
        long sum = 2L * Disk.ALIGNMENT_BYTES;
        for (Part column : columns) {
            sum += column.estimatedBytes();
        }
        for (Part raw : raws) {
            sum += raw.estimatedBytes();
        }
        KeyWriter writer = keys;
        return writer == null ? sum : sum + writer.estimatedBytes();
    }

    /** Where a file goes, and whose it is: {@code ownerId} for instance of its tablet. */
    public record Destination(Disk disk, Path path, long fileId, long ownerId) {}

    /**
     * Creates the file and writes it; when this returns, its contents are durable, but not its name. If it fails, the
     * file is deleted if that is still possible.
     *
     * @param metadata bytes for the reader's caller, kept in the footer
     * @param queue a queue of the disk with room for four transfers, nothing in flight
     */
    public Written finish(Destination destination, byte[] metadata, IoQueue queue) {
        create(destination, metadata);
        return Objects.requireNonNull(write(queue, Long.MAX_VALUE), "a file has an end");
    }

    /**
     * As {@link #finish}, but the file has nothing yet: {@link #write} follows until it says what was written, or
     * {@link #close}, which deletes it.
     */
    public void create(Destination destination, byte[] metadata) {
        checkOpen();
        isFinished = true;
        long rowCount = checkRowCounts();
        columns.forEach(Part::finish);
        addKeySections();
        raws.forEach(Part::finish);
        List<Part> parts = parts();
        boolean hasDictionaries = parts.size() > columns.size() + raws.size();
        int version = hasDictionaries ? FileFormat.VERSION : FileFormat.VERSION_BEFORE_DICTIONARIES;
        var content = new FileOutput.Content(version, rowCount, parts);
        writing = new FileOutput.Whole(destination, content, metadata, assembly, account);
    }

    /**
     * Writes so many bytes more of the file that was created, and about half a MiB at most beyond that. Null if there
     * are more; else all of them are durable. If it fails, the file is deleted if that is still possible.
     *
     * @param queue as {@link #finish} needs it, perhaps another one each time
     */
    public @Nullable Written write(IoQueue queue, long bytesMax) {
        FileOutput.Whole present = Objects.requireNonNull(writing, "no file was created");
        boolean isFailed = true;
        boolean isWritten = false;
        try {
            isWritten = present.write(queue, bytesMax);
            isFailed = false;
        } finally {
            if (isFailed || isWritten) {
                writing = null;
                present.close();
            }
        }
        return isWritten ? present.written() : null;
    }

    /** Bytes so far of a file that is being written, between {@link #create} and its end. */
    public long writtenBytes() {
        return writing == null ? 0 : writing.position();
    }

    private long checkRowCounts() {
        long rowCount = columns.isEmpty() ? 0 : columns.getFirst().rowCount();
        for (Part column : columns) {
            if (column.rowCount() != rowCount) {
                throw new IllegalStateException("column " + column.entry().name() + " has " + column.rowCount()
                        + " rows, but " + columns.getFirst().entry().name() + " has " + rowCount);
            }
        }
        KeyWriter writer = keys;
        Check.that(writer == null || writer.rowCount() == rowCount, "every row needs its key");
        Check.inRange("rows of a file", rowCount, 0, Integer.MAX_VALUE);
        return rowCount;
    }

    private void addKeySections() {
        KeyWriter writer = keys;
        if (writer == null) {
            return;
        }
        assembly.truncate(0);
        var filter = new SectionEntry(SectionKind.KEY_FILTER, 0, 0, KEY_FILTER_ID, "key filter");
        writer.writeFilter(assembly, addRaw(filter, CompressionHint.NONE));
        assembly.truncate(0);
        writer.writeIndex(assembly);
        addRaw(new SectionEntry(SectionKind.KEY_INDEX, 0, 0, KEY_INDEX_ID, "key index"), CompressionHint.NONE)
                .add(assembly.memory().asSlice(0, assembly.bytes()));
    }

    /** All sections, in their order in the file. */
    private List<Part> parts() {
        List<Part> parts = new ArrayList<>();
        for (Part column : columns) {
            Part dictionary = column.dictionary();
            if (dictionary != null) {
                parts.add(dictionary);
            }
            parts.add(column);
        }
        parts.addAll(raws);
        return parts;
    }

    private void checkOpen() {
        if (isFinished || isClosed) {
            throw new IllegalStateException("the file is " + (isClosed ? "closed" : "finished"));
        }
    }

    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        try {
            if (writing != null) {
                writing.close();
            }
        } finally {
            closeParts();
        }
    }

    private void closeParts() {
        columns.forEach(Part::close);
        raws.forEach(Part::close);
        KeyWriter writer = keys;
        if (writer != null) {
            writer.close();
        }
        vector.close();
        assembly.close();
        scratch.close();
    }
}
