package io.nyala.cfile;

import io.nyala.cfile.FileFormat.Identity;
import io.nyala.memory.Crc32c;
import io.nyala.memory.Notes;
import io.nyala.memory.Zeros;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * A page: what is read, checked and cached at once. The pages of a section lie back to back; the place of each in the
 * file, its slot, is a multiple of 8 bytes long.
 *
 * <pre>{@code
 *   0        4             5      6         8         16         24
 *   +--------+-------------+------+---------+---------+----------+- -
 *   | crc32c | compression | zero | vectors | file id | position |
 *   +--------+-------------+------+---------+---------+----------+- -
 *      u32         u8         u8      u16       u64       u64
 *
 *  24       28        32     36           40          44     48
 * - -+--------+---------+------+------------+-----------+------+--------------+------+
 *    | stored | payload | rows | section id | first row | zero | stored bytes | zero |
 * - -+--------+---------+------+------------+-----------+------+--------------+------+
 *       u32      u32      u32       i32          u32      u32     u8[stored]    to 8
 * }</pre>
 *
 * <ul>
 *   <li>{@code crc32c}: of the header after it and the stored bytes. File id and position are part of them, so a page
 *       of another file, or of another place of this one, is not taken for the one that belongs here.
 *   <li>{@code compression}: 0 none, 1 LZ4, 2 ZSTD, 3 Snappy, 4 ZLIB, 5 ZSTD with the {@link PageDictionary} of the
 *       column.
 *   <li>{@code stored}, {@code payload}: bytes as stored, and after decompression; equal without compression.
 *   <li>{@code vectors}, {@code rows}, {@code first row}: what a page of a column holds; 0 elsewhere.
 *   <li>{@code section id}: the section that the page is part of; {@link #FOOTER_ID} for the footer.
 * </ul>
 *
 * The payload of a page of a column is a directory, then the vectors:
 *
 * <pre>{@code
 *   entry   0        4       8       10         11     12
 *           +--------+-------+-------+----------+------+
 *           | offset | bytes | nulls | validity | zero |      one for each vector, then zero to 8
 *           +--------+-------+-------+----------+------+
 *              u32      u32     u16       u8       u8
 *
 *   vector  |- a multiple of 8 ---|- at its offset -|
 *           +---------------------+-----------------+------+
 *           | validity, or none   | encoded vector  | zero |      one for each entry
 *           +---------------------+-----------------+------+
 *            u64[ceil(rows / 64)]      u8[bytes]      to 8
 * }</pre>
 *
 * <ul>
 *   <li>{@code validity}: 0 all rows are valid, 1 a bitmap lies before the vector (bit 1 = valid), 2 all rows are null,
 *       and then there are no bytes.
 *       Bits behind the last row are zero.
 *   <li>{@code nulls}: null rows; their values are zero or empty.
 *   <li>Every vector has 1,024 rows, but the last of a column, which has the rest.
 * </ul>
 *
 * Integers are little-endian. Stateless.
 */
final class PageFormat {
    static final int HEADER_BYTES = 48;
    static final int ENTRY_BYTES = 12;

    /** Section id of the footer; sections have ids from 0 on. */
    static final int FOOTER_ID = -1;

    static final int ALL_VALID = 0;
    static final int BITMAP = 1;
    static final int ALL_NULL = 2;

    private static final long CRC = 0;
    private static final long COMPRESSION = 4;
    private static final long VECTORS = 6;
    private static final long FILE_ID = 8;
    private static final long POSITION = 16;
    private static final long STORED_BYTES = 24;
    private static final long PAYLOAD_BYTES = 28;
    private static final long ROWS = 32;
    private static final long SECTION_ID = 36;
    private static final long FIRST_ROW = 40;
    private static final long ZERO = 44;

    private static final long ENTRY_OFFSET = 0;
    private static final long ENTRY_VECTOR_BYTES = 4;
    private static final long ENTRY_NULLS = 8;
    private static final long ENTRY_VALIDITY = 10;

    static {
        if (ZERO + Integer.BYTES != HEADER_BYTES || HEADER_BYTES % 8 != 0) {
            throw new AssertionError("a page header is 48 bytes");
        }
    }

    private PageFormat() {}

    /**
     * What the directory of the file says about a page.
     *
     * @param firstRow ordinal of its first row
     * @param payloadBytes after decompression
     * @param slotBytes from its position to that of the next page
     */
    record Page(int sectionId, long position, int slotBytes, int payloadBytes, int firstRow, int rowCount) {}

    /** Bytes that a page takes in the file. */
    static int slotBytes(int storedBytes) {
        return Math.toIntExact(Cells.pad8(HEADER_BYTES + (long) storedBytes));
    }

    /** Writes what is known of a page before it has a place. */
    static void writeHeader(
            MemorySegment target, long offset, PageCodec.Packed packed, int vectorCount, int rowCount, int firstRow) {
        target.set(Cells.INT, offset + CRC, 0);
        target.set(Cells.BYTE, offset + COMPRESSION, (byte) packed.compression());
        target.set(Cells.BYTE, offset + COMPRESSION + 1, (byte) 0);
        target.set(Cells.SHORT, offset + VECTORS, (short) vectorCount);
        target.set(Cells.INT, offset + STORED_BYTES, packed.storedBytes());
        target.set(Cells.INT, offset + PAYLOAD_BYTES, packed.payloadBytes());
        target.set(Cells.INT, offset + ROWS, rowCount);
        target.set(Cells.INT, offset + FIRST_ROW, firstRow);
        target.set(Cells.INT, offset + ZERO, 0);
        long end = offset + HEADER_BYTES + packed.storedBytes();
        Zeros.fill(target, end, offset + slotBytes(packed.storedBytes()) - end);
    }

    /** Gives a page its place, and with it its checksum. */
    static void seal(MemorySegment target, long offset, Identity identity, int sectionId, long position) {
        target.set(Cells.LONG, offset + FILE_ID, identity.fileId());
        target.set(Cells.LONG, offset + POSITION, position);
        target.set(Cells.INT, offset + SECTION_ID, sectionId);
        int storedBytes = target.get(Cells.INT, offset + STORED_BYTES);
        target.set(Cells.INT, offset + CRC, Crc32c.of(target, offset + 4, HEADER_BYTES - 4L + storedBytes));
    }

    static int storedBytes(MemorySegment source, long offset) {
        return source.get(Cells.INT, offset + STORED_BYTES);
    }

    static int compression(MemorySegment source, long offset) {
        return Cells.u8(source, offset + COMPRESSION);
    }

    static int vectorCount(MemorySegment source, long offset) {
        return Cells.u16(source, offset + VECTORS);
    }

    /**
     * Requires that the slot at {@code offset}, which is wholly in memory, is the page that the directory tells of.
     */
    static void check(Path file, MemorySegment source, long offset, Identity identity, Page page) {
        int stored = storedBytes(source, offset);
        long position = page.position();
        if (stored < 0 || stored > page.slotBytes() - HEADER_BYTES || slotBytes(stored) != page.slotBytes()) {
            throw corrupt(file, position, "stored bytes", stored, page.slotBytes() - HEADER_BYTES);
        }
        int crc = Crc32c.of(source, offset + 4, HEADER_BYTES - 4L + stored);
        int expected = source.get(Cells.INT, offset + CRC);
        if (crc != expected) {
            throw new CorruptPageException(
                    file, position, "crc32c is " + FileFormat.hex(crc) + ", expected " + FileFormat.hex(expected));
        }
        FileFormat.checkFileId(file, position, source.get(Cells.LONG, offset + FILE_ID), identity.fileId());
        require(file, position, "position", source.get(Cells.LONG, offset + POSITION), position);
        require(file, position, "section id", source.get(Cells.INT, offset + SECTION_ID), page.sectionId());
        require(file, position, "payload bytes", source.get(Cells.INT, offset + PAYLOAD_BYTES), page.payloadBytes());
        require(file, position, "rows", source.get(Cells.INT, offset + ROWS), page.rowCount());
        require(file, position, "first row", source.get(Cells.INT, offset + FIRST_ROW), page.firstRow());
        long end = offset + HEADER_BYTES + stored;
        if (source.get(Cells.INT, offset + ZERO) != 0
                || source.get(Cells.BYTE, offset + COMPRESSION + 1) != 0
                || !Cells.isZero(source, end, offset + page.slotBytes() - end)) {
            throw new CorruptPageException(file, position, "padding is not zero");
        }
    }

    private static void require(Path file, long position, String what, long found, long expected) {
        if (found != expected) {
            throw corrupt(file, position, what, found, expected);
        }
    }

    private static CorruptPageException corrupt(Path file, long position, String what, long found, long expected) {
        return new CorruptPageException(
                file, position, what + " is " + Cells.number(found) + ", expected " + Cells.number(expected));
    }

    static void writeEntry(
            MemorySegment target, long entry, int vectorOffset, int vectorBytes, int nullCount, int validity) {
        target.set(Cells.INT, entry + ENTRY_OFFSET, vectorOffset);
        target.set(Cells.INT, entry + ENTRY_VECTOR_BYTES, vectorBytes);
        target.set(Cells.SHORT, entry + ENTRY_NULLS, (short) nullCount);
        target.set(Cells.SHORT, entry + ENTRY_VALIDITY, (short) validity);
    }

    static int vectorOffset(MemorySegment payload, long payloadOffset, int vector) {
        return payload.get(Cells.INT, payloadOffset + (long) vector * ENTRY_BYTES + ENTRY_OFFSET);
    }

    static int vectorBytes(MemorySegment payload, long payloadOffset, int vector) {
        return payload.get(Cells.INT, payloadOffset + (long) vector * ENTRY_BYTES + ENTRY_VECTOR_BYTES);
    }

    static int nullCount(MemorySegment payload, long payloadOffset, int vector) {
        return Cells.u16(payload, payloadOffset + (long) vector * ENTRY_BYTES + ENTRY_NULLS);
    }

    static int validity(MemorySegment payload, long payloadOffset, int vector) {
        return Cells.u16(payload, payloadOffset + (long) vector * ENTRY_BYTES + ENTRY_VALIDITY);
    }

    /** Bytes of the validity bitmap of so many rows. */
    static int bitmapBytes(int rowCount) {
        return (rowCount + 63) / 64 * Long.BYTES;
    }

    /**
     * Requires that the directory of a decompressed column page says what the rows of the page allow, and that no part
     * lies outside of the page. The checksum was right, so what fails here was written wrongly.
     */
    static void checkDirectory(Path file, MemorySegment payload, long offset, Page page, int vectorCount) {
        int rows = page.rowCount();
        require(
                file,
                page.position(),
                "vectors",
                vectorCount,
                (rows + ColumnSpec.VECTOR_ROWS - 1) / ColumnSpec.VECTOR_ROWS);
        long end = (long) vectorCount * ENTRY_BYTES;
        for (int i = 0; i < vectorCount; i++) {
            int vectorRows = Math.min(ColumnSpec.VECTOR_ROWS, rows - i * ColumnSpec.VECTOR_ROWS);
            int validity = validity(payload, offset, i);
            int nulls = nullCount(payload, offset, i);
            long bytes = vectorBytes(payload, offset, i);
            boolean countFits =
                    switch (validity) {
                        case ALL_VALID -> nulls == 0;
                        case BITMAP -> nulls > 0 && nulls < vectorRows;
                        case ALL_NULL -> nulls == vectorRows && bytes == 0;
                        default -> false;
                    };
            if (!countFits) {
                throw new CorruptPageException(
                        file,
                        page.position(),
                        "vector " + i + " of " + vectorRows + " rows has " + nulls + " nulls and validity " + validity
                                + ", which do not fit");
            }
            long start = Cells.pad8(end) + (validity == BITMAP ? bitmapBytes(vectorRows) : 0);
            require(file, page.position(), "offset of vector " + i, vectorOffset(payload, offset, i), start);
            end = start + bytes;
            if (bytes < 0 || Cells.pad8(end) > page.payloadBytes()) {
                throw corrupt(file, page.position(), "end of vector " + i, end, page.payloadBytes());
            }
            if (validity == BITMAP) {
                checkBitmap(file, page, payload, offset, i);
            }
        }
        require(file, page.position(), "end of the payload", page.payloadBytes(), Cells.pad8(end));
    }

    /** Requires that a validity bitmap has as many nulls as the directory says, and nothing behind the last row. */
    private static void checkBitmap(Path file, Page page, MemorySegment payload, long offset, int vector) {
        int rows = Math.min(ColumnSpec.VECTOR_ROWS, page.rowCount() - vector * ColumnSpec.VECTOR_ROWS);
        long bitmap = offset + vectorOffset(payload, offset, vector) - bitmapBytes(rows);
        int valid = 0;
        long behind = 0;
        for (int first = 0; first < rows; first += Long.SIZE) {
            long word = payload.get(Cells.LONG, bitmap + first / Byte.SIZE);
            valid += Long.bitCount(word);
            behind = rows - first < Long.SIZE ? word >>> (rows - first) : 0;
        }
        if (behind != 0) {
            throw new CorruptPageException(
                    file,
                    page.position(),
                    "the validity of vector " + vector + " of " + rows + " rows has bits behind the last, "
                            + FileFormat.hex(behind));
        }
        require(
                file,
                page.position(),
                "nulls in the validity of vector " + vector,
                rows - valid,
                nullCount(payload, offset, vector));
    }

    /** Whether the bytes at a position are the header of a page of this file, as far as can be told from them alone. */
    static boolean isHeader(MemorySegment source, long position, long fileId) {
        return position + HEADER_BYTES <= source.byteSize()
                && source.get(Cells.LONG, position + POSITION) == position
                && source.get(Cells.LONG, position + FILE_ID) == fileId
                && storedBytes(source, position) >= 0
                && storedBytes(source, position) <= Integer.MAX_VALUE - HEADER_BYTES - 7;
    }

    /** Whether the checksum of a page that lies in memory whole is right. */
    static boolean isWhole(MemorySegment source, long offset) {
        return source.get(Cells.INT, offset + CRC)
                == Crc32c.of(source, offset + 4, HEADER_BYTES - 4L + storedBytes(source, offset));
    }

    static void annotateHeader(MemorySegment source, long offset, Notes notes) {
        notes.note(offset + CRC, 4, "crc32c: " + FileFormat.hex(source.get(Cells.INT, offset + CRC)));
        notes.note(offset + COMPRESSION, 1, "compression: " + PageCodec.name(compression(source, offset)));
        notes.note(offset + COMPRESSION + 1, 1, "zero");
        notes.note(offset + VECTORS, 2, "vectors: " + vectorCount(source, offset));
        notes.note(offset + FILE_ID, 8, "file id: " + source.get(Cells.LONG, offset + FILE_ID));
        notes.note(offset + POSITION, 8, "position: " + source.get(Cells.LONG, offset + POSITION));
        notes.note(offset + STORED_BYTES, 4, "stored bytes: " + storedBytes(source, offset));
        notes.note(offset + PAYLOAD_BYTES, 4, "payload bytes: " + source.get(Cells.INT, offset + PAYLOAD_BYTES));
        notes.note(offset + ROWS, 4, "rows: " + source.get(Cells.INT, offset + ROWS));
        notes.note(offset + SECTION_ID, 4, "section id: " + source.get(Cells.INT, offset + SECTION_ID));
        notes.note(offset + FIRST_ROW, 4, "first row: " + source.get(Cells.INT, offset + FIRST_ROW));
        notes.note(offset + ZERO, 4, "zero");
    }

    static void annotateEntry(MemorySegment source, long payload, int vector, Notes notes) {
        long entry = payload + (long) vector * ENTRY_BYTES;
        int state = validity(source, payload, vector);
        String text = state == ALL_VALID ? "all valid" : state == BITMAP ? "bitmap" : "all null";
        notes.note(
                entry + ENTRY_OFFSET, 4, "offset of vector " + vector + ": " + vectorOffset(source, payload, vector));
        notes.note(entry + ENTRY_VECTOR_BYTES, 4, "bytes: " + vectorBytes(source, payload, vector));
        notes.note(entry + ENTRY_NULLS, 2, "nulls: " + nullCount(source, payload, vector));
        notes.note(entry + ENTRY_VALIDITY, 1, "validity: " + text);
        notes.note(entry + ENTRY_VALIDITY + 1, 1, "zero");
    }
}
