package io.nyala.cfile;

import io.nyala.cfile.FileFormat.Identity;
import io.nyala.cfile.PageFormat.Page;
import io.nyala.io.DiskFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A file and who it should be. Immutable; shared by threads. The reader owns the file. */
record OpenFile(DiskFile file, Identity identity) {
    Path path() {
        return file.path();
    }

    /** Checks the slot of a page at {@code offset} and restores its payload at the start of {@code target}. */
    void unpack(Section section, int number, MemorySegment source, long offset, MemorySegment target) {
        Page page = section.page(number);
        unpack(page, source, offset, target, section.dictionary());
        if (section.isColumn()) {
            PageFormat.checkDirectory(path(), target, 0, page, PageFormat.vectorCount(source, offset));
        } else if (section.isKeyFilter()) {
            KeyFilter.checkPage(path(), section, number, target);
        }
    }

    /** Checks the slot of a page, of which nothing but the place need be known by a section. */
    void unpack(Page page, MemorySegment source, long offset, MemorySegment target) {
        unpack(page, source, offset, target, null);
    }

    private void unpack(
            Page page, MemorySegment source, long offset, MemorySegment target, @Nullable PageDictionary dictionary) {
        PageFormat.check(path(), source, offset, identity, page);
        int storedBytes = PageFormat.storedBytes(source, offset);
        String wrong = PageCodec.unpack(
                PageFormat.compression(source, offset),
                source.asSlice(offset + PageFormat.HEADER_BYTES, storedBytes),
                target.asSlice(0, page.payloadBytes()),
                dictionary);
        if (wrong != null) {
            throw new CorruptPageException(path(), page.position(), wrong);
        }
    }
}
