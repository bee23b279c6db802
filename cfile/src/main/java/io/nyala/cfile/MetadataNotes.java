package io.nyala.cfile;

import io.nyala.encoding.EncodedVector;
import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/** Explains what only the writer of a file understands: the metadata in its footer, and raw pages. */
@FunctionalInterface
public interface MetadataNotes {
    /** One field, unexplained. */
    MetadataNotes RAW = (memory, at, bytes, notes) -> notes.note(at, bytes, "metadata");

    /** Notes all of {@code bytes}, which are more than 0, at an offset of the annotated memory. */
    void annotate(MemorySegment memory, long at, int bytes, Notes notes);

    /**
     * Notes all bytes of a raw page, which are more than 0; behind them lies what vectors may read beyond their end.
     *
     * @param sectionId of the section that has the page
     * @param handle for vectors in it
     */
    default void annotatePage(
            int sectionId, MemorySegment memory, long at, int bytes, EncodedVector handle, Notes notes) {
        notes.note(at, bytes, "raw bytes");
    }
}
