package io.nyala.columns;

import io.nyala.cfile.CFileReader;
import io.nyala.cfile.CFileWriter;
import io.nyala.cfile.CellKind;
import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.ColumnReader;
import io.nyala.cfile.ColumnSpec;
import io.nyala.cfile.ColumnWriter;
import io.nyala.cfile.PageCache;
import io.nyala.cfile.ReadAhead;
import io.nyala.encoding.DecoderScratch;
import io.nyala.encoding.FlatBinary;
import io.nyala.encoding.VectorEncoding;
import io.nyala.encoding.VectorFormat;
import io.nyala.io.Disk;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;

/**
 * A sample as a column of a file of ours: made into pages by the writer of files, with zone maps, compression where it
 * pays and checksums; and read by a cursor, from pages in the cache or from the file.
 *
 * <p>One thread. Owns the file.
 */
final class OurColumn implements AutoCloseable {
    private static final long CACHE_BYTES = 32 << 20;
    private static final int VECTOR_BYTES_MAX = 1 << 20;

    private final ColumnSample sample;
    private final ColumnSpec spec;
    private final Path path;
    private final Disk disk;
    private final IoPool io;
    private final MemoryAccount account;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment offsets = arena.allocate((VectorFormat.VALUES_MAX + 1) * 4L + 64, Long.BYTES);
    private final MemorySegment decoded = arena.allocate(VECTOR_BYTES_MAX, Long.BYTES);
    private final FlatBinary strings = new FlatBinary();
    private final DecoderScratch scratch;
    private final PageCache cache;
    private final CFileReader reader;

    OurColumn(ColumnSample sample, Disk disk, IoPool io, MemoryAccount account) throws IOException {
        this.sample = sample;
        this.disk = disk;
        this.io = io;
        this.account = account;
        this.scratch = new DecoderScratch(account);
        this.cache = new PageCache(account, io, CACHE_BYTES);
        CellKind kind = sample.isBinary()
                ? CellKind.BINARY
                : sample.isDouble()
                        ? CellKind.DOUBLE
                        : sample.cellBytes() == Integer.BYTES ? CellKind.INT32 : CellKind.INT64;
        this.spec = ColumnSpec.of(0, sample.name(), kind);
        this.path = Files.createTempFile("column", ".cfile");
        Files.delete(path);
        try (CFileWriter writer = new CFileWriter(account)) {
            append(writer.addColumn(spec));
            IoQueue queue = io.borrow();
            writer.finish(new CFileWriter.Destination(disk, path, 1, 1), new byte[0], queue);
            io.giveBack(queue);
        }
        this.reader = open(cache);
    }

    private CFileReader open(PageCache pages) {
        return CFileReader.open(new CFileReader.Source(disk, path, 1, 1), pages, account);
    }

    /** In the file, headers and checksums of its pages included. */
    long bytes() {
        return reader.column(0).bytes();
    }

    int vectorCount() {
        return reader.column(0).vectorCount();
    }

    /** Makes all pages, and forgets them; answers what they take. */
    long write() {
        try (CFileWriter writer = new CFileWriter(account)) {
            int place = writer.reserveColumn(spec);
            append(writer.begin(place));
            writer.end(place);
            return writer.estimatedBytes();
        }
    }

    private void append(ColumnWriter target) {
        if (!sample.isBinary()) {
            target.appendAll(sample.bytes(), 0, sample.rows());
            return;
        }
        target.appendAll(sample.strings(0, strings), sample.rows());
    }

    /** Decodes all vectors of pages in the cache; answers their bytes. */
    long read() {
        try (ColumnCursor cursor = reader.column(0).forwardCursor(scratch)) {
            return decode(cursor);
        }
    }

    /** Reads the file, with nothing of it in our cache, checks its pages, and decodes all vectors. */
    long readFile() {
        try (PageCache empty = new PageCache(account, io, CACHE_BYTES);
                CFileReader file = open(empty);
                ReadAhead ahead = file.readAhead(account);
                ColumnCursor cursor = file.column(0).cursor(scratch, ahead, null)) {
            return decode(cursor);
        }
    }

    private long decode(ColumnCursor cursor) {
        long bytes = 0;
        for (int vector = 0; vector < vectorCount(); vector++) {
            cursor.seek(vector);
            if (sample.isBinary()) {
                cursor.readBinary(strings.wrap(offsets, 0, decoded, 0));
                bytes += cursor.binaryBytes();
            } else {
                cursor.readFixed(decoded, 0);
                bytes += (long) cursor.rowCount() * sample.cellBytes();
            }
        }
        return bytes;
    }

    /** What most vectors are encoded as. */
    String scheme() {
        Map<VectorEncoding, Integer> counts = new EnumMap<>(VectorEncoding.class);
        ColumnReader column = reader.column(0);
        try (ColumnCursor cursor = column.forwardCursor(scratch)) {
            for (int vector = 0; vector < column.vectorCount(); vector++) {
                cursor.seek(vector);
                counts.merge(cursor.values().encoding(), 1, Integer::sum);
            }
        }
        Map.Entry<VectorEncoding, Integer> most =
                counts.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow();
        return most.getKey() + (counts.size() == 1 ? "" : " and others");
    }

    @Override
    public void close() {
        reader.close();
        cache.close();
        scratch.close();
        disk.delete(path);
        arena.close();
    }
}
