package io.nyala.catalog;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.nyala.memory.Check;
import io.nyala.memory.Notes;
import io.nyala.rows.Limits;
import io.nyala.rows.Schema;
import io.nyala.rows.SchemaFormat;
import io.nyala.tablet.RowSetEntry;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One edit of the storage log, as the payload of a log record.
 *
 * <pre>{@code
 *   0        4         8
 *   +--------+---------+------------------- - -
 *   |  kind  | version | body
 *   |        |   = 2   |
 *   +--------+---------+------------------- - -
 *      u32       u32
 *
 *   1 IDENTITY        host id u64
 *   2 CREATE TABLE    table id u64 | tablet id u64 | name bytes u32 | schema bytes u32 | name (UTF-8) | schema
 *   3 ALLOCATE FILES  next file id u64
 *   4 FLUSHED         tablet id u64 | applied up to u64 | rowset count u32 | zero u32 | rowsets
 *                     a rowset: file id u64 | row count u64 | file bytes u64 | least key bytes u32
 *                               | greatest key bytes u32 | least key | greatest key
 *   5 CLOCK LEASE     lease end i64
 *   6 LOG STARTED     log id u64
 *   7 CHECKPOINT      mark u64: 0 BEGIN, 1 END
 * }</pre>
 *
 * Edits of version 1 had zero in the place of the version, and no keys. Integers are little-endian. The schema is in
 * the form of {@link SchemaFormat}. The record around it has the checksum.
 */
public final class StorageEditFormat {
    private static final ValueLayout.OfInt U32 = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int IDENTITY = 1;
    private static final int CREATE_TABLE = 2;
    private static final int ALLOCATE_FILES = 3;
    private static final int FLUSHED = 4;
    private static final int CLOCK_LEASE = 5;
    private static final int LOG_STARTED = 6;
    private static final int CHECKPOINT = 7;

    private static final int VERSION = 2;

    private static final int BODY = 8;
    private static final int CREATE_TABLE_NAME = BODY + 24;
    private static final int FLUSHED_ROWSETS = BODY + 24;
    private static final int ROWSET_KEYS = 32;

    private StorageEditFormat() {}

    /** Bytes that {@link #write} will write. */
    public static int bytes(StorageEdit edit) {
        return switch (edit) {
            case StorageEdit.Identity _,
                    StorageEdit.AllocateFiles _,
                    StorageEdit.ClockLease _,
                    StorageEdit.LogStarted _,
                    StorageEdit.Checkpoint _ -> BODY + Long.BYTES;
            case StorageEdit.CreateTable create ->
                CREATE_TABLE_NAME + name(create).length + SchemaFormat.toBytes(create.schema()).length;
            case StorageEdit.Flushed flushed ->
                FLUSHED_ROWSETS
                        + flushed.added().stream()
                                .mapToInt(StorageEditFormat::bytes)
                                .reduce(0, Math::addExact);
        };
    }

    /** Bytes that a rowset takes in a FLUSHED edit. */
    static int bytes(RowSetEntry entry) {
        return ROWSET_KEYS + entry.minKey().length + entry.maxKey().length;
    }

    public static void write(StorageEdit edit, MemorySegment memory, long at) {
        memory.set(U32, at + 4, VERSION);
        switch (edit) {
            case StorageEdit.Identity identity -> writeLong(memory, at, IDENTITY, identity.hostId());
            case StorageEdit.AllocateFiles allocate -> writeLong(memory, at, ALLOCATE_FILES, allocate.nextFileId());
            case StorageEdit.ClockLease lease -> writeLong(memory, at, CLOCK_LEASE, lease.leaseEnd());
            case StorageEdit.LogStarted started -> writeLong(memory, at, LOG_STARTED, started.logId());
            case StorageEdit.Checkpoint checkpoint ->
                writeLong(memory, at, CHECKPOINT, checkpoint.mark().code());
            case StorageEdit.CreateTable create -> {
                byte[] name = name(create);
                byte[] schema = SchemaFormat.toBytes(create.schema());
                writeLong(memory, at, CREATE_TABLE, create.tableId());
                memory.set(U64, at + BODY + 8, create.tabletId());
                memory.set(U32, at + BODY + 16, name.length);
                memory.set(U32, at + BODY + 20, schema.length);
                MemorySegment.copy(name, 0, memory, ValueLayout.JAVA_BYTE, at + CREATE_TABLE_NAME, name.length);
                long schemaAt = at + CREATE_TABLE_NAME + name.length;
                MemorySegment.copy(schema, 0, memory, ValueLayout.JAVA_BYTE, schemaAt, schema.length);
            }
            case StorageEdit.Flushed flushed -> {
                writeLong(memory, at, FLUSHED, flushed.tabletId());
                memory.set(U64, at + BODY + 8, flushed.appliedUpTo());
                memory.set(U32, at + BODY + 16, flushed.added().size());
                memory.set(U32, at + BODY + 20, 0);
                long rowSet = at + FLUSHED_ROWSETS;
                for (RowSetEntry entry : flushed.added()) {
                    writeRowSet(entry, memory, rowSet);
                    rowSet += bytes(entry);
                }
            }
        }
    }

    private static void writeRowSet(RowSetEntry entry, MemorySegment memory, long at) {
        int minKeyBytes = entry.minKey().length;
        int maxKeyBytes = entry.maxKey().length;
        memory.set(U64, at, entry.fileId());
        memory.set(U64, at + 8, entry.rowCount());
        memory.set(U64, at + 16, entry.fileBytes());
        memory.set(U32, at + 24, minKeyBytes);
        memory.set(U32, at + 28, maxKeyBytes);
        MemorySegment.copy(entry.minKey(), 0, memory, ValueLayout.JAVA_BYTE, at + ROWSET_KEYS, minKeyBytes);
        MemorySegment.copy(
                entry.maxKey(), 0, memory, ValueLayout.JAVA_BYTE, at + ROWSET_KEYS + minKeyBytes, maxKeyBytes);
    }

    /** Reads an edit of {@code editBytes}; refuses anything that {@link #write} would not have written. */
    public static StorageEdit read(MemorySegment memory, long at, int editBytes) {
        Check.that(
                editBytes >= BODY + Long.BYTES,
                "an edit of the storage log has " + editBytes + " bytes; 16 is the least");
        int version = memory.get(U32, at + 4);
        Check.that(
                version == VERSION,
                "an edit of the storage log is of format version "
                        + (version == 0 ? "1" : Integer.toUnsignedString(version)) + ", this build reads version "
                        + VERSION + "; use the release that wrote it");
        int kind = memory.get(U32, at);
        long first = memory.get(U64, at + BODY);
        StorageEdit edit =
                switch (kind) {
                    case IDENTITY -> new StorageEdit.Identity(first);
                    case ALLOCATE_FILES -> new StorageEdit.AllocateFiles(first);
                    case CLOCK_LEASE -> new StorageEdit.ClockLease(first);
                    case LOG_STARTED -> new StorageEdit.LogStarted(first);
                    case CHECKPOINT -> new StorageEdit.Checkpoint(mark(first));
                    case CREATE_TABLE -> readCreateTable(memory, at, editBytes);
                    case FLUSHED -> readFlushed(memory, at, editBytes);
                    default ->
                        throw new IllegalStateException("the storage log has an edit of kind "
                                + Integer.toUnsignedString(kind)
                                + ", which this version does not know; a newer version wrote it");
                };
        Check.that(bytes(edit) == editBytes, "an edit of " + bytes(edit) + " bytes stands in a record of " + editBytes);
        return edit;
    }

    private static StorageEdit.Checkpoint.Mark mark(long code) {
        for (StorageEdit.Checkpoint.Mark mark : StorageEdit.Checkpoint.Mark.values()) {
            if (mark.code() == code) {
                return mark;
            }
        }
        throw new IllegalStateException(
                "the storage log has a checkpoint edit with mark " + code + "; 0 and 1 are known");
    }

    private static StorageEdit readCreateTable(MemorySegment memory, long at, int editBytes) {
        Check.that(editBytes >= CREATE_TABLE_NAME, "a CREATE TABLE edit of " + editBytes + " bytes is cut short");
        int nameBytes = memory.get(U32, at + BODY + 16);
        int schemaBytes = memory.get(U32, at + BODY + 20);
        Check.inRange("name bytes", nameBytes, 0, Limits.NAME_BYTES_MAX);
        Check.that(
                schemaBytes >= 0 && CREATE_TABLE_NAME + (long) nameBytes + schemaBytes == editBytes,
                "a CREATE TABLE edit of " + editBytes + " bytes says that its schema has " + schemaBytes);
        byte[] name = new byte[nameBytes];
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at + CREATE_TABLE_NAME, name, 0, nameBytes);
        String tableName = new String(name, StandardCharsets.UTF_8);
        Check.that(
                Arrays.equals(name, tableName.getBytes(StandardCharsets.UTF_8)),
                "the name of a table in the storage log is not UTF-8");
        Schema schema = SchemaFormat.fromBytes(memory.asSlice(at + CREATE_TABLE_NAME + nameBytes, schemaBytes), 0);
        return new StorageEdit.CreateTable(
                memory.get(U64, at + BODY), tableName, schema, memory.get(U64, at + BODY + 8));
    }

    private static StorageEdit readFlushed(MemorySegment memory, long at, int editBytes) {
        Check.that(editBytes >= FLUSHED_ROWSETS, "a FLUSHED edit of " + editBytes + " bytes is cut short");
        int count = memory.get(U32, at + BODY + 16);
        Check.that(
                count >= 0 && FLUSHED_ROWSETS + (long) count * ROWSET_KEYS <= editBytes,
                "a FLUSHED edit of " + editBytes + " bytes says that it has " + count + " rowsets");
        Check.that(memory.get(U32, at + BODY + 20) == 0, "padding of a FLUSHED edit is not zero");
        List<RowSetEntry> added = new ArrayList<>();
        long rowSet = at + FLUSHED_ROWSETS;
        for (int i = 0; i < count; i++) {
            RowSetEntry entry = readRowSet(memory, rowSet, at + editBytes);
            added.add(entry);
            rowSet += bytes(entry);
        }
        return new StorageEdit.Flushed(memory.get(U64, at + BODY), added, memory.get(U64, at + BODY + 8));
    }

    private static RowSetEntry readRowSet(MemorySegment memory, long at, long end) {
        Check.that(at + ROWSET_KEYS <= end, "a FLUSHED edit is cut short within a rowset");
        int minKeyBytes = memory.get(U32, at + 24);
        int maxKeyBytes = memory.get(U32, at + 28);
        Check.inRange("bytes of a rowset's least key", minKeyBytes, 0, Limits.KEY_BYTES_MAX);
        Check.inRange("bytes of a rowset's greatest key", maxKeyBytes, 0, Limits.KEY_BYTES_MAX);
        Check.that(
                at + ROWSET_KEYS + minKeyBytes + maxKeyBytes <= end,
                "a FLUSHED edit is cut short within the keys of a rowset");
        return new RowSetEntry(
                memory.get(U64, at),
                memory.get(U64, at + 8),
                memory.get(U64, at + 16),
                key(memory, at + ROWSET_KEYS, minKeyBytes),
                key(memory, at + ROWSET_KEYS + minKeyBytes, maxKeyBytes));
    }

    private static byte[] key(MemorySegment memory, long at, int bytes) {
        return memory.asSlice(at, bytes).toArray(ValueLayout.JAVA_BYTE);
    }

    /** Explains one edit. */
    public static void annotate(MemorySegment memory, long at, int editBytes, Notes notes) {
        StorageEdit edit = read(memory, at, editBytes);
        notes.section("storage edit");
        notes.note(at, 4, "kind: " + edit.getClass().getSimpleName());
        notes.note(at + 4, 4, "version: " + VERSION);
        switch (edit) {
            case StorageEdit.Identity identity ->
                notes.note(at + BODY, 8, "host id: " + Long.toHexString(identity.hostId()));
            case StorageEdit.AllocateFiles allocate ->
                notes.note(at + BODY, 8, "next file id: " + allocate.nextFileId());
            case StorageEdit.ClockLease lease -> notes.note(at + BODY, 8, "lease end: " + lease.leaseEnd());
            case StorageEdit.LogStarted started ->
                notes.note(at + BODY, 8, "log id: " + Long.toHexString(started.logId()));
            case StorageEdit.Checkpoint checkpoint -> notes.note(at + BODY, 8, "mark: " + checkpoint.mark());
            case StorageEdit.CreateTable create -> {
                notes.note(at + BODY, 8, "table id: " + create.tableId());
                notes.note(at + BODY + 8, 8, "tablet id: " + create.tabletId());
                notes.note(at + BODY + 16, 4, "name bytes: " + name(create).length);
                notes.note(at + BODY + 20, 4, "schema bytes: " + SchemaFormat.toBytes(create.schema()).length);
                notes.note(at + CREATE_TABLE_NAME, name(create).length, "name: " + create.name());
                SchemaFormat.annotate(memory, at + CREATE_TABLE_NAME + name(create).length, notes);
            }
            case StorageEdit.Flushed flushed -> {
                notes.note(at + BODY, 8, "tablet id: " + flushed.tabletId());
                notes.note(at + BODY + 8, 8, "applied up to: " + flushed.appliedUpTo());
                notes.note(at + BODY + 16, 4, "rowset count: " + flushed.added().size());
                notes.note(at + BODY + 20, 4, "zero");
                long rowSet = at + FLUSHED_ROWSETS;
                for (RowSetEntry entry : flushed.added()) {
                    annotateRowSet(entry, rowSet, notes);
                    rowSet += bytes(entry);
                }
            }
        }
        notes.endSection();
    }

    private static void annotateRowSet(RowSetEntry entry, long at, Notes notes) {
        int minKeyBytes = entry.minKey().length;
        int maxKeyBytes = entry.maxKey().length;
        notes.note(at, 8, "file id: " + entry.fileId());
        notes.note(at + 8, 8, "row count: " + entry.rowCount());
        notes.note(at + 16, 8, "file bytes: " + entry.fileBytes());
        notes.note(at + 24, 4, "least key bytes: " + minKeyBytes);
        notes.note(at + 28, 4, "greatest key bytes: " + maxKeyBytes);
        if (minKeyBytes > 0) {
            notes.note(at + ROWSET_KEYS, minKeyBytes, "least key");
        }
        if (maxKeyBytes > 0) {
            notes.note(at + ROWSET_KEYS + minKeyBytes, maxKeyBytes, "greatest key");
        }
    }

    private static byte[] name(StorageEdit.CreateTable create) {
        return create.name().getBytes(StandardCharsets.UTF_8);
    }

    private static void writeLong(MemorySegment memory, long at, int kind, long value) {
        memory.set(U32, at, kind);
        memory.set(U64, at + BODY, value);
    }
}
