package io.nyala.diskrowset;

import io.nyala.cfile.CFileWriter;
import io.nyala.cfile.CellKind;
import io.nyala.cfile.ColumnSpec;
import io.nyala.cfile.CompressionHint;
import io.nyala.encoding.EncoderScratch;
import io.nyala.encoding.EncodingHint;
import io.nyala.io.IoQueue;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.Column;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.Limits;
import io.nyala.rows.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The file that columns of changes are put into, whether they come side by side ({@link DeltaFileWriter}) or one after
 * the other ({@link DeltaFileMerge}): what the columns share, and what the footer says of all.
 *
 * <p>Belongs to one thread. Holds the pages in memory of the account until {@link #finish}.
 */
final class DeltaFileBuilder implements AutoCloseable {
    private final int schemaVersion;
    private final DeltaBase base;
    private final MemoryAccount account;
    private final CFileWriter file;
    private final EncoderScratch scratch;
    private final GrowingBuffer assembly;
    private final long[] changedVectors;
    private final List<DeltaFileFormat.ColumnEntry> entries = new ArrayList<>();
    private final Opened opened = new Opened();
    private long oldestTime = Long.MAX_VALUE;
    private long newestTime = Long.MIN_VALUE;
    private long cellCount;
    private long deletedCount;
    private long fileId; // Once it is created.

    DeltaFileBuilder(Schema schema, DeltaBase base, MemoryAccount account) {
        Check.inRange("rows of the base", base.rowCount(), 0, Integer.MAX_VALUE);
        this.schemaVersion = schema.version();
        this.base = base;
        this.account = account;
        long vectorCount = (base.rowCount() + Limits.VECTOR_ROWS - 1) / Limits.VECTOR_ROWS;
        this.changedVectors = new long[(int) ((vectorCount + Long.SIZE - 1) / Long.SIZE)];
        this.assembly = new GrowingBuffer(account);
        opened.add(assembly::close);
        try {
            this.scratch = new EncoderScratch(account);
            opened.add(scratch::close);
            this.file = new CFileWriter(account);
            opened.add(file::close);
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    /** Begins the cells of a column; whoever asked closes it, before this. */
    DeltaColumnWriter column(Column column) {
        ColumnSpec like = ColumnSpec.of(column);
        CellKind cells = like.kind();
        var spec = new DeltaColumnWriter.Spec(column.id(), cells.isBinary() ? 0 : cells.cellBytes(), like.encoding());
        return new DeltaColumnWriter(
                spec, file.addRaw(column.id(), column.name(), like.compression()), scratch, assembly, account);
    }

    /** Begins what says that rows are deleted. */
    DeltaColumnWriter deletions() {
        int id = DeltaFileFormat.DELETED_ID;
        var spec = new DeltaColumnWriter.Spec(id, DeltaColumnWriter.NO_CELLS, EncodingHint.AUTO);
        return new DeltaColumnWriter(
                spec, file.addRaw(id, "deleted", CompressionHint.NONE), scratch, assembly, account);
    }

    /** Notes an entry that some column got. */
    void note(long ordinal, long time) {
        oldestTime = Math.min(oldestTime, time);
        newestTime = Math.max(newestTime, time);
        int vector = (int) (ordinal / Limits.VECTOR_ROWS);
        changedVectors[vector >>> 6] |= 1L << vector;
    }

    /** Whether no column has got an entry. */
    boolean isEmpty() {
        return newestTime < oldestTime;
    }

    /** Pages so far. */
    long estimatedBytes() {
        return file.estimatedBytes();
    }

    /** Ends a column, which has entries. */
    void add(DeltaColumnWriter column) {
        DeltaFileFormat.ColumnEntry entry = column.finish();
        cellCount += column.hasCells() ? column.entryCount() : 0;
        deletedCount += entry.id() == DeltaFileFormat.DELETED_ID ? column.entryCount() : 0;
        entries.add(entry);
    }

    /** Creates the file and writes it. When this returns its content is durable, but not yet its name. */
    DeltaFileOutput finish(RowSetFile target, IoQueue queue) {
        create(target);
        return Objects.requireNonNull(write(queue, Long.MAX_VALUE), "a file has an end");
    }

    /** Creates the file; {@link #write} follows, or {@link #close}, which deletes it. */
    void create(RowSetFile target) {
        Check.that(!entries.isEmpty(), "a delta file without changes is of no use");
        entries.sort((left, right) -> Integer.compare(left.id(), right.id()));
        byte[] metadata = DeltaFileFormat.metadata(metadata());
        file.create(
                new CFileWriter.Destination(target.disk(), target.path(), target.fileId(), target.ownerId()), metadata);
        fileId = target.fileId();
    }

    /** Writes about so many bytes more; null if there are more, else all are durable, but not the file's name. */
    @Nullable
    DeltaFileOutput write(IoQueue queue, long bytesMax) {
        CFileWriter.Written written = file.write(queue, bytesMax);
        return written == null
                ? null
                : new DeltaFileOutput(fileId, cellCount, deletedCount, oldestTime, newestTime, written.bytes());
    }

    /** As {@link CFileWriter#writtenBytes}. */
    long writtenBytes() {
        return file.writtenBytes();
    }

    private DeltaFileFormat.Metadata metadata() {
        int first = Integer.MAX_VALUE;
        int last = 0;
        for (DeltaFileFormat.ColumnEntry column : entries) {
            first = Math.min(first, column.pages().getFirst().firstOrdinal() / Limits.VECTOR_ROWS);
            last = Math.max(last, column.pages().getLast().lastOrdinal() / Limits.VECTOR_ROWS);
        }
        int count = last - first + 1;
        long[] words = new long[(count + Long.SIZE - 1) / Long.SIZE];
        for (int i = 0; i < count; i++) {
            int vector = first + i;
            words[i >>> 6] |= (changedVectors[vector >>> 6] >>> vector & 1) << i;
        }
        return new DeltaFileFormat.Metadata(
                schemaVersion, base, oldestTime, newestTime, first, count, words, List.copyOf(entries));
    }

    @Override
    public void close() {
        opened.close();
    }
}
