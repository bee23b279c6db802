package io.nyala.cfile;

import io.nyala.cfile.FileFormat.Identity;
import io.nyala.cfile.FooterFormat.SectionEntry;
import io.nyala.io.IoPool;
import io.nyala.memory.MemoryAccount;
import org.jspecify.annotations.Nullable;

/**
 * A section whose pages are those of another file, as they are: checked, given their new places, and with these their
 * checksums, but not decompressed, let alone decoded. They are read when they are written, some at a time.
 *
 * <p>For one thread. The other file stays open as long as this is used.
 */
final class CopiedSection extends CFileWriter.Part {
    /** Bytes that are read at once; of one page, if that has more. */
    private static final int RUN_BYTES = 512 << 10;

    private final SectionEntry entry;
    private final OpenFile source;
    private final Section section;
    private final IoPool io;
    private final MemoryAccount account;
    private int writtenPages;

    /** {@code entry} says what the section is called from now on; it has the id that it has in the other file. */
    CopiedSection(SectionEntry entry, OpenFile source, Section section, IoPool io, MemoryAccount account) {
        assert entry.id() == section.id() : "the id is a part of each page";
        this.entry = entry;
        this.source = source;
        this.section = section;
        this.io = io;
        this.account = account;
    }

    @Override
    SectionEntry entry() {
        return entry;
    }

    @Override
    long rowCount() {
        return section.rowCount();
    }

    @Override
    void finish() {
        // It is what it is.
    }

    @Override
    long bytes() {
        return section.bytes();
    }

    @Override
    long estimatedBytes() {
        return section.bytes();
    }

    @Override
    int pageCount() {
        return section.pageCount();
    }

    @Override
    boolean writeSome(FileOutput output, Identity identity) {
        int first = writtenPages;
        if (first == section.pageCount()) {
            return false;
        }
        int end = first + 1;
        long start = section.pagePosition(first);
        while (end < section.pageCount() && section.pagePosition(end) + section.slotBytes(end) - start <= RUN_BYTES) {
            end++;
        }
        int runBytes = Math.toIntExact(section.pagePosition(end - 1) + section.slotBytes(end - 1) - start);
        var buffer = account.take(AlignedRead.bufferBytes(runBytes));
        try (var read = new AlignedRead(source, start, runBytes, buffer, account)) {
            AlignedRead.run(io, read);
            for (int page = first; page < end; page++) {
                copy(read, read.offset() + section.pagePosition(page) - start, page, output, identity);
            }
        }
        writtenPages = end;
        return true;
    }

    private void copy(AlignedRead read, long at, int page, FileOutput output, Identity identity) {
        PageFormat.check(source.path(), read.memory(), at, source.identity(), section.page(page));
        PageFormat.seal(read.memory(), at, identity, entry.id(), output.position());
        output.append(read.memory(), at, section.slotBytes(page));
    }

    @Override
    void putEntries(ByteSink footer) {
        footer.put(section.zoneMemory(), section.entriesStart(), section.entryEnd() - section.entriesStart());
    }

    /** Without it the pages say nothing. */
    @Override
    CFileWriter.@Nullable Part dictionary() {
        Section dictionary = section.dictionarySection();
        return dictionary == null ? null : new CopiedSection(dictionary.entry(), source, dictionary, io, account);
    }

    @Override
    void close() {
        // What was read was given back.
    }
}
