package io.nyala.cfile;

import io.nyala.io.Disk;
import io.nyala.memory.Crc32c;
import io.nyala.memory.Notes;
import io.nyala.memory.Zeros;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * The two ends of a file: a header page that says whose it is, and a trailer that says where the footer is.
 *
 * <pre>{@code
 *   0        4096                                                              bytes - 64     bytes
 *   +--------+-----------+-----------+-- - - --+-----------+--------+-- - - ----+-----------+
 *   | header | section 0 | section 1 |         | section n | footer | zero      |  trailer  |
 *   +--------+-----------+-----------+-- - - --+-----------+--------+-- - - ----+-----------+
 *             each section a sequence of pages   a page      bytes is a multiple of 4096
 *
 *   header   0          8         12     16        24         32               4092    4096
 *            +----------+---------+------+---------+----------+---- - - - -----+--------+
 *            |  magic   | version | zero | file id | owner id |      zero      | crc32c |
 *            +----------+---------+------+---------+----------+---- - - - -----+--------+
 *               u8[8]       u32     u32      u64       u64          u8[]           u32
 *
 *   trailer  0      8         12             16        24         32
 *            +------+---------+--------------+---------+----------+- -
 *            | rows | version | footer bytes | file id | owner id |
 *            +------+---------+--------------+---------+----------+- -
 *              u64      u32         u32          u64       u64
 *
 *           32                40           48     52       56      64
 *         - -+-----------------+------------+------+--------+-------+
 *            | footer position | file bytes | zero | crc32c | magic |
 *         - -+-----------------+------------+------+--------+-------+
 *                   u64             u64       u32     u32     u8[8]
 * }</pre>
 *
 * <ul>
 *   <li>{@code magic}: {@code NYALACF} and a zero in the header, {@code NYALACFE} in the trailer.
 *   <li>{@code file id}, {@code owner id}: given by the creator; who opens the file names the ids that it expects.
 *   <li>{@code crc32c}: of everything before it, in the header and in the trailer.
 * </ul>
 *
 * Integers are little-endian. Stateless.
 */
final class FileFormat {
    /**
     * The newest. Version 1 had fewer encodings of vectors, version 2 the key filter as one page, version 3 no packed
     * entries in dictionaries, and version 4 no dictionaries of pages; none has anything else than version 5 may have,
     * so the same code reads them.
     */
    static final int VERSION = 5;

    /** Of files without a dictionary of pages, which those can read that do not know of any. */
    static final int VERSION_BEFORE_DICTIONARIES = 4;

    static final int VERSION_MIN = 1;

    static final int HEADER_BYTES = Disk.ALIGNMENT_BYTES;
    static final int TRAILER_BYTES = 64;

    /** "NYALACF\0" and "NYALACFE", as little-endian numbers. */
    static final long HEADER_MAGIC = 0x0046_4341_4C41_594EL;

    static final long TRAILER_MAGIC = 0x4546_4341_4C41_594EL;

    /** Larger than any file that a rowset rolls at, so that a damaged length is refused before it is believed. */
    static final long FILE_BYTES_MAX = 1L << 40;

    private static final long HEADER_VERSION = 8;
    private static final long HEADER_FILE_ID = 16;
    private static final long HEADER_OWNER_ID = 24;
    private static final long HEADER_ZERO = 32;
    private static final long HEADER_CRC = HEADER_BYTES - 4;

    private static final long ROWS = 0;
    private static final long TRAILER_VERSION = 8;
    private static final long FOOTER_BYTES = 12;
    private static final long TRAILER_FILE_ID = 16;
    private static final long TRAILER_OWNER_ID = 24;
    private static final long FOOTER_POSITION = 32;
    private static final long FILE_BYTES = 40;
    private static final long TRAILER_CRC = 52;
    private static final long MAGIC_AT_END = 56;

    static {
        if (MAGIC_AT_END + Long.BYTES != TRAILER_BYTES || TRAILER_CRC + Integer.BYTES != MAGIC_AT_END) {
            throw new AssertionError("the trailer is 64 bytes");
        }
    }

    private FileFormat() {}

    /** Who a file is and to whom it belongs. */
    record Identity(long fileId, long ownerId) {}

    static void writeHeader(MemorySegment target, long offset, Identity identity, int version) {
        Zeros.fill(target, offset, HEADER_BYTES);
        target.set(Cells.LONG, offset, HEADER_MAGIC);
        target.set(Cells.INT, offset + HEADER_VERSION, version);
        target.set(Cells.LONG, offset + HEADER_FILE_ID, identity.fileId());
        target.set(Cells.LONG, offset + HEADER_OWNER_ID, identity.ownerId());
        target.set(Cells.INT, offset + HEADER_CRC, Crc32c.of(target, offset, HEADER_CRC));
    }

    /** Checks a header, {@link #HEADER_BYTES} at {@code offset}. */
    static void checkHeader(Path file, MemorySegment source, long offset, Identity expected) {
        if (source.get(Cells.LONG, offset) != HEADER_MAGIC) {
            throw new CorruptPageException(
                    file,
                    0,
                    "this is no column file: magic is " + hex(source.get(Cells.LONG, offset)) + ", expected "
                            + hex(HEADER_MAGIC));
        }
        checkVersion(file, source.get(Cells.INT, offset + HEADER_VERSION), 0, source, offset, HEADER_CRC);
        checkIdentity(
                file,
                0,
                new Identity(
                        source.get(Cells.LONG, offset + HEADER_FILE_ID),
                        source.get(Cells.LONG, offset + HEADER_OWNER_ID)),
                expected);
        if (!Cells.isZero(source, offset + 12, 4)
                || !Cells.isZero(source, offset + HEADER_ZERO, HEADER_CRC - HEADER_ZERO)) {
            throw new CorruptPageException(file, 0, "the unused part of the header is not zero");
        }
    }

    /** Where the footer is, and how many rows the file has. */
    record Trailer(int version, long footerPosition, int footerBytes, long rowCount) {}

    static void writeTrailer(MemorySegment target, long offset, Identity identity, Trailer trailer, long fileBytes) {
        target.set(Cells.LONG, offset + ROWS, trailer.rowCount());
        target.set(Cells.INT, offset + TRAILER_VERSION, trailer.version());
        target.set(Cells.INT, offset + FOOTER_BYTES, trailer.footerBytes());
        target.set(Cells.LONG, offset + TRAILER_FILE_ID, identity.fileId());
        target.set(Cells.LONG, offset + TRAILER_OWNER_ID, identity.ownerId());
        target.set(Cells.LONG, offset + FOOTER_POSITION, trailer.footerPosition());
        target.set(Cells.LONG, offset + FILE_BYTES, fileBytes);
        target.set(Cells.INT, offset + 48, 0);
        target.set(Cells.INT, offset + TRAILER_CRC, Crc32c.of(target, offset, TRAILER_CRC));
        target.set(Cells.LONG, offset + MAGIC_AT_END, TRAILER_MAGIC);
    }

    /** Reads and checks the trailer, {@link #TRAILER_BYTES} at {@code offset}, of a file of {@code fileBytes}. */
    static Trailer readTrailer(Path file, MemorySegment source, long offset, Identity expected, long fileBytes) {
        long position = fileBytes - TRAILER_BYTES;
        if (source.get(Cells.LONG, offset + MAGIC_AT_END) != TRAILER_MAGIC) {
            throw new CorruptPageException(
                    file,
                    position,
                    "the file does not end in a trailer: it was cut at "
                            + Cells.number(fileBytes) + " bytes, or never finished; magic is "
                            + hex(source.get(Cells.LONG, offset + MAGIC_AT_END)) + ", expected " + hex(TRAILER_MAGIC));
        }
        int version = source.get(Cells.INT, offset + TRAILER_VERSION);
        checkVersion(file, version, position, source, offset, TRAILER_CRC);
        checkIdentity(
                file,
                position,
                new Identity(
                        source.get(Cells.LONG, offset + TRAILER_FILE_ID),
                        source.get(Cells.LONG, offset + TRAILER_OWNER_ID)),
                expected);
        long written = source.get(Cells.LONG, offset + FILE_BYTES);
        if (written != fileBytes) {
            throw new CorruptPageException(
                    file,
                    position,
                    "the file has " + Cells.number(fileBytes) + " bytes, expected " + Cells.number(written));
        }
        long footer = source.get(Cells.LONG, offset + FOOTER_POSITION);
        int footerBytes = source.get(Cells.INT, offset + FOOTER_BYTES);
        long rows = source.get(Cells.LONG, offset + ROWS);
        if (footer < HEADER_BYTES
                || footerBytes < PageFormat.HEADER_BYTES
                || footer > position - footerBytes
                || rows < 0) {
            throw new CorruptPageException(
                    file,
                    position,
                    "the footer is at byte " + footer + " with " + footerBytes
                            + " bytes, expected between the header and the trailer");
        }
        return new Trailer(version, footer, footerBytes, rows);
    }

    private static void checkVersion(
            Path file, int version, long position, MemorySegment source, long offset, long crcOffset) {
        int crc = Crc32c.of(source, offset, crcOffset);
        int expected = source.get(Cells.INT, offset + crcOffset);
        if (crc != expected) {
            throw new CorruptPageException(file, position, "crc32c is " + hex(crc) + ", expected " + hex(expected));
        }
        if (version < VERSION_MIN || version > VERSION) {
            throw new UnsupportedFormatException(file, version, VERSION_MIN, VERSION);
        }
    }

    /** Requires that a part of the file was written for this file. */
    static void checkFileId(Path file, long position, long found, long expected) {
        if (found != expected) {
            throw new CorruptPageException(
                    file, position, "this is a part of file " + found + ", expected one of file " + expected);
        }
    }

    private static void checkIdentity(Path file, long position, Identity found, Identity expected) {
        if (!found.equals(expected)) {
            throw new CorruptPageException(
                    file,
                    position,
                    "this is file " + found.fileId() + " of owner "
                            + Long.toHexString(found.ownerId()) + ", expected file " + expected.fileId() + " of owner "
                            + Long.toHexString(expected.ownerId())
                            + ": another file has its name");
        }
    }

    static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    static String hex(int value) {
        return "0x" + Integer.toHexString(value);
    }

    static void annotateHeader(MemorySegment source, long offset, Notes notes) {
        notes.section("header");
        notes.note(offset, 8, "magic: NYALACF");
        notes.note(offset + HEADER_VERSION, 4, "version: " + source.get(Cells.INT, offset + HEADER_VERSION));
        notes.note(offset + 12, 4, "zero");
        notes.note(offset + HEADER_FILE_ID, 8, "file id: " + source.get(Cells.LONG, offset + HEADER_FILE_ID));
        notes.note(offset + HEADER_OWNER_ID, 8, "owner id: " + source.get(Cells.LONG, offset + HEADER_OWNER_ID));
        notes.note(offset + HEADER_ZERO, (int) (HEADER_CRC - HEADER_ZERO), "zero");
        notes.note(offset + HEADER_CRC, 4, "crc32c: " + hex(source.get(Cells.INT, offset + HEADER_CRC)));
        notes.endSection();
    }

    static void annotateTrailer(MemorySegment source, long offset, Notes notes) {
        notes.section("trailer");
        notes.note(offset + ROWS, 8, "rows: " + source.get(Cells.LONG, offset + ROWS));
        notes.note(offset + TRAILER_VERSION, 4, "version: " + source.get(Cells.INT, offset + TRAILER_VERSION));
        notes.note(offset + FOOTER_BYTES, 4, "footer bytes: " + source.get(Cells.INT, offset + FOOTER_BYTES));
        notes.note(offset + TRAILER_FILE_ID, 8, "file id: " + source.get(Cells.LONG, offset + TRAILER_FILE_ID));
        notes.note(offset + TRAILER_OWNER_ID, 8, "owner id: " + source.get(Cells.LONG, offset + TRAILER_OWNER_ID));
        notes.note(offset + FOOTER_POSITION, 8, "footer position: " + source.get(Cells.LONG, offset + FOOTER_POSITION));
        notes.note(offset + FILE_BYTES, 8, "file bytes: " + source.get(Cells.LONG, offset + FILE_BYTES));
        notes.note(offset + 48, 4, "zero");
        notes.note(offset + TRAILER_CRC, 4, "crc32c: " + hex(source.get(Cells.INT, offset + TRAILER_CRC)));
        notes.note(offset + MAGIC_AT_END, 8, "magic: NYALACFE");
        notes.endSection();
    }
}
