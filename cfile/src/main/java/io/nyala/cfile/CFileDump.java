package io.nyala.cfile;

import io.nyala.cfile.FileFormat.Identity;
import io.nyala.cfile.FileFormat.Trailer;
import io.nyala.cfile.FooterFormat.Footer;
import io.nyala.encoding.Annotation;
import io.nyala.encoding.DecoderScratch;
import io.nyala.encoding.EncodedVector;
import io.nyala.io.Disk;
import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** Explains the bytes of a whole file to {@link Notes}, for the dump tool and the golden tests. Stateless. */
public final class CFileDump {
    private static final long FILE_ID = 16;
    private static final long OWNER_ID = 24;

    /** Of what nothing is known. */
    private static final int NOTE_BYTES_MAX = 1 << 20;

    private CFileDump() {}

    /** Whether these bytes begin as a file of ours does, of which perhaps no more is left. */
    public static boolean isColumnFile(MemorySegment whole) {
        return whole.byteSize() >= Long.BYTES && whole.get(Cells.LONG, 0) == FileFormat.HEADER_MAGIC;
    }

    /**
     * Notes every field of a file that lies in memory whole.
     *
     * @param path for messages
     * @param scratch working memory
     * @throws CorruptPageException if it is damaged where the way to the pages is
     */
    public static void annotate(Path path, MemorySegment whole, DecoderScratch scratch, Notes notes) {
        annotate(path, whole, scratch, MetadataNotes.RAW, notes);
    }

    /** As above, with the metadata in the footer explained by who wrote it. */
    public static void annotate(
            Path path, MemorySegment whole, DecoderScratch scratch, MetadataNotes metadata, Notes notes) {
        EncodedVector handle = new EncodedVector(scratch);
        Trailer trailer = checkedTrailer(path, whole);
        long footerAt = trailer.footerPosition();
        FileFormat.annotateHeader(whole, 0, notes);
        for (Section section : footer(whole, footerAt).sections()) {
            for (int page = 0; page < section.pageCount(); page++) {
                annotatePage(section, page, whole, handle, metadata, notes);
            }
        }
        notes.section("footer");
        PageFormat.annotateHeader(whole, footerAt, notes);
        FooterFormat.annotate(whole, footerAt + PageFormat.HEADER_BYTES, footerAt, metadata, notes);
        notes.endSection();
        long footerEnd = footerAt + trailer.footerBytes();
        long trailerAt = whole.byteSize() - FileFormat.TRAILER_BYTES;
        FooterFormat.noteUnlessEmpty(footerEnd, trailerAt - footerEnd, "zero", notes);
        FileFormat.annotateTrailer(whole, trailerAt, notes);
    }

    /**
     * As above, of a file whose end is cut off or damaged: its header, and its pages as far as they follow one another,
     * each by its own header. What is in them only the footer says.
     */
    public static void annotateWithoutFooter(MemorySegment left, Notes notes) {
        if (left.byteSize() < FileFormat.HEADER_BYTES) {
            notes.note(0, (int) left.byteSize(), "header, cut off");
            return;
        }
        FileFormat.annotateHeader(left, 0, notes);
        long fileId = left.get(Cells.LONG, FILE_ID);
        long at = FileFormat.HEADER_BYTES;
        while (PageFormat.isHeader(left, at, fileId)) {
            at = annotateLonePage(left, at, notes);
        }
        if (at < left.byteSize()) {
            notes.section("no page: cut off, damaged, or the end of the file");
            for (long rest = at; rest < left.byteSize(); rest += NOTE_BYTES_MAX) {
                notes.note(rest, (int) Math.min(NOTE_BYTES_MAX, left.byteSize() - rest), "raw bytes");
            }
            notes.endSection();
        }
    }

    /** Answers where the next page begins, or the end. */
    private static long annotateLonePage(MemorySegment left, long at, Notes notes) {
        int stored = PageFormat.storedBytes(left, at);
        long payload = at + PageFormat.HEADER_BYTES;
        long there = Math.min(stored, left.byteSize() - payload);
        notes.section("page at byte " + Cells.number(at));
        PageFormat.annotateHeader(left, at, notes);
        String text = "payload";
        if (there < stored) {
            text += ", of which " + Cells.number(stored - there) + " bytes are cut off";
        } else if (!PageFormat.isWhole(left, at)) {
            text += ", or the header: the CHECKSUM IS WRONG";
        }
        FooterFormat.noteUnlessEmpty(payload, there, text, notes);
        long end = Math.min(left.byteSize(), at + PageFormat.slotBytes(stored));
        FooterFormat.noteUnlessEmpty(payload + there, end - payload - there, "zero", notes);
        notes.endSection();
        return end;
    }

    /**
     * The metadata in the footer of a file that lies in memory whole: by it those who write files know theirs.
     *
     * @throws CorruptPageException if it is damaged on the way there
     */
    public static MemorySegment metadata(Path path, MemorySegment whole) {
        return footer(whole, checkedTrailer(path, whole).footerPosition()).metadata();
    }

    private static Trailer checkedTrailer(Path path, MemorySegment whole) {
        long bytes = whole.byteSize();
        Identity identity = new Identity(whole.get(Cells.LONG, FILE_ID), whole.get(Cells.LONG, OWNER_ID));
        FileFormat.checkHeader(path, whole, 0, identity);
        return FileFormat.readTrailer(path, whole, bytes - FileFormat.TRAILER_BYTES, identity, bytes);
    }

    private static Footer footer(MemorySegment whole, long at) {
        int stored = PageFormat.storedBytes(whole, at);
        return FooterFormat.read(whole.asSlice(at + PageFormat.HEADER_BYTES, stored), at);
    }

    /**
     * A file with the ids that its header says, for tools that know no better; only a full header is needed.
     *
     * @throws CorruptPageException if it is too short for one
     */
    public static CFileReader.Source source(Disk disk, Path path, MemorySegment header) {
        if (header.byteSize() < FileFormat.HEADER_BYTES) {
            throw new CorruptPageException(
                    path, 0, "the file has " + Cells.number(header.byteSize()) + " bytes, too few for a header");
        }
        return new CFileReader.Source(disk, path, header.get(Cells.LONG, FILE_ID), header.get(Cells.LONG, OWNER_ID));
    }

    private static void annotatePage(
            Section section, int page, MemorySegment whole, EncodedVector handle, MetadataNotes writer, Notes notes) {
        long at = section.pagePosition(page);
        notes.section("page " + page + " of " + section.name());
        PageFormat.annotateHeader(whole, at, notes);
        long payload = at + PageFormat.HEADER_BYTES;
        int stored = PageFormat.storedBytes(whole, at);
        boolean isPlain = PageFormat.compression(whole, at) == PageCodec.NONE;
        if (!isPlain) {
            FooterFormat.noteUnlessEmpty(payload, stored, "compressed payload", notes);
        } else {
            switch (section.kind()) {
                case COLUMN -> annotateVectors(section, page, whole, handle, notes);
                case KEY_FILTER, KEY_FILTER_BEFORE -> KeyFilter.annotate(whole, payload, notes);
                case DICTIONARY -> FooterFormat.noteUnlessEmpty(payload, stored, "dictionary of zstd", notes);
                case KEY_INDEX -> KeyIndex.annotate(whole, payload, stored, notes);
                case RAW -> {
                    if (stored > 0) {
                        writer.annotatePage(section.id(), whole, payload, stored, handle, notes);
                    }
                }
            }
        }
        long end = payload + stored;
        FooterFormat.noteUnlessEmpty(end, at + section.slotBytes(page) - end, "zero", notes);
        notes.endSection();
    }

    private static void annotateVectors(
            Section section, int page, MemorySegment whole, EncodedVector handle, Notes notes) {
        long payload = section.pagePosition(page) + PageFormat.HEADER_BYTES;
        int vectorCount = PageFormat.vectorCount(whole, section.pagePosition(page));
        for (int i = 0; i < vectorCount; i++) {
            PageFormat.annotateEntry(whole, payload, i, notes);
        }
        long end = (long) vectorCount * PageFormat.ENTRY_BYTES;
        for (int i = 0; i < vectorCount; i++) {
            long start = Cells.pad8(end);
            FooterFormat.noteUnlessEmpty(payload + end, start - end, "zero", notes);
            long vector = PageFormat.vectorOffset(whole, payload, i);
            int bytes = PageFormat.vectorBytes(whole, payload, i);
            FooterFormat.noteUnlessEmpty(payload + start, vector - start, "validity of vector " + i, notes);
            if (bytes > 0) {
                Annotation.annotate(handle.wrap(whole, payload + vector, bytes), notes);
            }
            end = vector + bytes;
        }
        FooterFormat.noteUnlessEmpty(payload + end, section.payloadBytes(page) - end, "zero", notes);
    }
}
