package io.nyala.cfile;

import io.nyala.memory.Check;
import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The directory of a file: its sections, their pages, and what the pages hold. It is the payload of a page, never
 * compressed, after the last section.
 *
 * <pre>{@code
 *   0          4                8      16
 *   +----------+----------------+------+----------+------+-----------+-- - -
 *   | sections | metadata bytes | rows | metadata | zero | section 0 | section 1 ...
 *   +----------+----------------+------+----------+------+-----------+-- - -
 *       u32          u32          u64     u8[]      to 8
 *
 *   section    0      1      2       3             4    8          16      24
 *              +------+------+-------+-------------+----+----------+-------+- -
 *              | kind | cell | flags | vector rows | id | position | bytes |
 *              +------+------+-------+-------------+----+----------+-------+- -
 *                 u8     u8     u8      u8 (log2)   i32     u64       u64
 *
 *             24      28           30     32
 *            - -+-------+------------+------+------+------+--------+--------+-- - -
 *               | pages | name bytes | zero | name | zero | page 0 | page 1 | ...
 *            - -+-------+------------+------+------+------+--------+--------+-- - -
 *                  u32       u16       u16    u8[]  to 8
 *
 *   page       0           4      8            12              16
 *              +-----------+------+------------+---------------+- -
 *              | first row | rows | slot bytes | payload bytes |
 *              +-----------+------+------------+---------------+- -
 *                   u32      u32       u32            u32
 *
 *             16      20      21          22          23     24
 *            - -+-------+-------+-----------+-----------+------+------+------+------+
 *               | nulls | flags | min bytes | max bytes | zero | min  | max  | zero |
 *            - -+-------+-------+-----------+-----------+------+------+------+------+
 *                  u32     u8         u8          u8       u8    u8[]   u8[]   to 8
 * }</pre>
 *
 * <ul>
 *   <li>{@code kind}: {@link SectionKind#id}. {@code cell}: {@link CellKind#id}, 0 if the section is no column.
 *   <li>{@code flags} of a section: 1 key column, 2 nullable. {@code vector rows}: always 10, that is 1,024.
 *   <li>{@code position}, {@code bytes}: of the section. The first begins after the header, each at the end of the one
 *       before, and the footer at the end of the last. The first page begins with the section, each at the end of the
 *       slot before.
 *   <li>{@code flags} of a page: 1 there are bounds, 2 {@code min} is cut, 4 {@code max} is cut. Every value that is
 *       not null is at least {@code min} and at most {@code max}; of a cut {@code max}, at most a string that begins
 *       with it. Bounds of fixed cells are cells, of byte strings up to 32 bytes. A page with a NaN, and one of nulls
 *       alone, has no bounds.
 * </ul>
 *
 * Integers are little-endian. Stateless.
 */
final class FooterFormat {
    static final int HEADER_BYTES = 16;
    static final int SECTION_BYTES = 32;
    static final int PAGE_BYTES = 24;

    static final int KEY = 1;
    static final int NULLABLE = 2;

    static final int VECTOR_ROWS_LOG2 = 10;

    /** As many columns as a schema may have, each with its dictionary, and some sections besides. */
    static final int SECTIONS_MAX = 4096;

    /** As many as a footer has room for. */
    static final int RAW_PAGES_MAX = Section.PAYLOAD_BYTES_MAX / PAGE_BYTES;

    static {
        if (1 << VECTOR_ROWS_LOG2 != ColumnSpec.VECTOR_ROWS) {
            throw new AssertionError("a vector has 1,024 rows");
        }
    }

    private FooterFormat() {}

    static void putHeader(ByteSink target, int sectionCount, byte[] metadata, long rowCount) {
        target.putInt(sectionCount);
        target.putInt(metadata.length);
        target.putLong(rowCount);
        target.put(MemorySegment.ofArray(metadata), 0, metadata.length);
        target.pad8();
    }

    /** What of a section is known when it is written. */
    record SectionEntry(SectionKind kind, int cellId, int flags, int id, String name) {}

    static void putSection(ByteSink target, SectionEntry entry, long position, long bytes, int pageCount) {
        byte[] name = entry.name().getBytes(StandardCharsets.UTF_8);
        target.putByte(entry.kind().id());
        target.putByte(entry.cellId());
        target.putByte(entry.flags());
        target.putByte(VECTOR_ROWS_LOG2);
        target.putInt(entry.id());
        target.putLong(position);
        target.putLong(bytes);
        target.putInt(pageCount);
        target.putShort(name.length);
        target.putShort(0);
        target.put(MemorySegment.ofArray(name), 0, name.length);
        target.pad8();
    }

    /** Writes the first part of a page's entry; {@link Zone#writeTo} writes the second. */
    static void putPage(ByteSink target, int firstRow, int rowCount, int slotBytes, int payloadBytes) {
        target.putInt(firstRow);
        target.putInt(rowCount);
        target.putInt(slotBytes);
        target.putInt(payloadBytes);
    }

    /** Sets what was not known yet when {@link #putPage} wrote at {@code entry}. */
    static void setSlotBytes(ByteSink target, long entry, int slotBytes) {
        target.memory().set(Cells.INT, entry + 8, slotBytes);
    }

    /** Writes the entry of a page that holds no rows. */
    static void putRawPage(ByteSink target, int slotBytes, int payloadBytes) {
        putPage(target, 0, 0, slotBytes, payloadBytes);
        target.putLong(0);
    }

    /** What the footer says, as objects. */
    record Footer(long rowCount, MemorySegment metadata, List<Section> sections) {
        /** The column of a dictionary, which it has none of so far. */
        Section columnWithoutDictionary(int id) {
            for (Section section : sections) {
                if (section.isColumn() && section.id() == id && section.dictionary() == null) {
                    return section;
                }
            }
            throw new IllegalArgumentException("there is no column " + id + ", or it has two dictionaries");
        }
    }

    /**
     * Reads a footer of which the checksum is right; what does not fit is refused with {@link IllegalArgumentException}
     * or {@link IndexOutOfBoundsException}.
     *
     * @param footerPosition where the sections end
     */
    static Footer read(MemorySegment source, long footerPosition) {
        int sectionCount = source.get(Cells.INT, 0);
        int metadataBytes = source.get(Cells.INT, 4);
        long rowCount = source.get(Cells.LONG, 8);
        Check.inRange("sections", sectionCount, 0, SECTIONS_MAX);
        Check.inRange("rows", rowCount, 0, Integer.MAX_VALUE);
        Check.within("metadata", HEADER_BYTES, metadataBytes, source.byteSize());
        MemorySegment metadata = source.asSlice(HEADER_BYTES, metadataBytes);
        long at = checkedPad(source, HEADER_BYTES + (long) metadataBytes);
        List<Section> sections = new ArrayList<>();
        long position = FileFormat.HEADER_BYTES;
        for (int i = 0; i < sectionCount; i++) {
            Section section = readSection(source, at, rowCount);
            Check.inRange("position of section " + i, section.position(), position, position);
            position += section.bytes();
            at = section.entryEnd();
            sections.add(section);
        }
        Check.inRange("end of the sections", position, footerPosition, footerPosition);
        Check.inRange("bytes of the footer", source.byteSize(), at, at);
        return new Footer(rowCount, metadata, List.copyOf(sections));
    }

    private static Section readSection(MemorySegment source, long at, long fileRows) {
        int kindId = Cells.u8(source, at);
        int cellId = Cells.u8(source, at + 1);
        int flags = Cells.u8(source, at + 2);
        Check.that(SectionKind.isKnown(kindId), "the kind of a section must be a known one");
        Check.that(flags <= (KEY | NULLABLE), "the flags of a section must be known ones");
        Check.inRange("vector rows", Cells.u8(source, at + 3), VECTOR_ROWS_LOG2, VECTOR_ROWS_LOG2);
        SectionKind kind = SectionKind.of(kindId);
        boolean isColumn = kind == SectionKind.COLUMN;
        Check.that(isColumn ? CellKind.isKnown(cellId) : cellId == 0, "the cells of a section must be of a known kind");
        int pageCount = source.get(Cells.INT, at + 24);
        int nameBytes = Cells.u16(source, at + 28);
        Check.inRange("pages", pageCount, isColumn ? 0 : 1, pagesMax(kind, fileRows));
        Check.inRange("zero", Cells.u16(source, at + 30), 0, 0);
        Check.inRange("bytes of the name", nameBytes, 0, ColumnSpec.NAME_BYTES_MAX);
        long name = at + SECTION_BYTES;
        Check.within("name", name, nameBytes, source.byteSize());
        SectionEntry entry = new SectionEntry(
                kind,
                cellId,
                flags,
                source.get(Cells.INT, at + 4),
                new String(source.asSlice(name, nameBytes).toArray(Cells.BYTE), StandardCharsets.UTF_8));
        long position = source.get(Cells.LONG, at + 8);
        long pages = checkedPad(source, name + nameBytes);
        Section section = new Section(entry, position, pageCount, source, pages);
        if (kind == SectionKind.DICTIONARY) {
            Check.inRange("bytes of a dictionary", section.payloadBytes(0), 1, PageDictionary.BYTES_MAX);
        }
        Check.inRange("bytes of the section", source.get(Cells.LONG, at + 16), section.bytes(), section.bytes());
        Check.inRange("rows of the section", section.rowCount(), isColumn ? fileRows : 0, isColumn ? fileRows : 0);
        return section;
    }

    private static long pagesMax(SectionKind kind, long fileRows) {
        return switch (kind) {
            case COLUMN -> (fileRows + ColumnSpec.VECTOR_ROWS - 1) / ColumnSpec.VECTOR_ROWS;
            case RAW -> RAW_PAGES_MAX;
            case KEY_FILTER -> KeyFilter.PAGES_MAX;
            case KEY_FILTER_BEFORE, KEY_INDEX, DICTIONARY -> 1;
        };
    }

    /** Requires zeros up to the next multiple of 8; answers it. */
    static long checkedPad(MemorySegment source, long at) {
        long padded = Cells.pad8(at);
        Check.within("padding", at, padded - at, source.byteSize());
        Check.that(Cells.isZero(source, at, padded - at), "padding must be zero");
        return padded;
    }

    static void annotate(MemorySegment whole, long offset, long footerPosition, MetadataNotes metadata, Notes notes) {
        int bytes = PageFormat.storedBytes(whole, footerPosition);
        MemorySegment source = whole.asSlice(offset, bytes);
        Footer footer = read(source, footerPosition);
        int metadataBytes = (int) footer.metadata().byteSize();
        notes.note(offset, 4, "sections: " + footer.sections().size());
        notes.note(offset + 4, 4, "metadata bytes: " + metadataBytes);
        notes.note(offset + 8, 8, "rows: " + footer.rowCount());
        long at = HEADER_BYTES;
        if (metadataBytes > 0) {
            metadata.annotate(whole, offset + at, metadataBytes, notes);
        }
        noteUnlessEmpty(offset + at + metadataBytes, Cells.pad8(metadataBytes) - metadataBytes, "zero", notes);
        at += Cells.pad8(metadataBytes);
        for (Section section : footer.sections()) {
            notes.section("section " + section.name());
            annotateSection(source, at, offset, section, notes);
            notes.endSection();
            at = section.entryEnd();
        }
    }

    private static void annotateSection(MemorySegment source, long at, long shift, Section section, Notes notes) {
        long to = at + shift;
        notes.note(to, 1, "kind: " + section.kind());
        notes.note(to + 1, 1, "cell: " + (section.isColumn() ? section.cellKind() : "none"));
        notes.note(to + 2, 1, "flags: " + Cells.u8(source, at + 2));
        notes.note(to + 3, 1, "vector rows: 2^" + VECTOR_ROWS_LOG2);
        notes.note(to + 4, 4, "id: " + section.id());
        notes.note(to + 8, 8, "position: " + section.position());
        notes.note(to + 16, 8, "bytes: " + section.bytes());
        notes.note(to + 24, 4, "pages: " + section.pageCount());
        int nameBytes = Cells.u16(source, at + 28);
        notes.note(to + 28, 2, "name bytes: " + nameBytes);
        notes.note(to + 30, 2, "zero");
        noteUnlessEmpty(to + SECTION_BYTES, nameBytes, "name: " + section.name(), notes);
        noteUnlessEmpty(to + SECTION_BYTES + nameBytes, Cells.pad8(nameBytes) - nameBytes, "zero", notes);
        for (int page = 0; page < section.pageCount(); page++) {
            section.annotatePage(page, shift, notes);
        }
    }

    static void noteUnlessEmpty(long offset, long bytes, String text, Notes notes) {
        if (bytes > 0) {
            notes.note(offset, (int) bytes, text);
        }
    }
}
