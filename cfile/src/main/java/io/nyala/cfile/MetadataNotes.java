package io.nyala.cfile;

import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/** Explains the metadata in a file's footer, which only its writer understands. */
@FunctionalInterface
public interface MetadataNotes {
    /** One field, unexplained. */
    MetadataNotes RAW = (memory, at, bytes, notes) -> notes.note(at, bytes, "metadata");

    /** Notes all of {@code bytes}, which are more than 0, at an offset of the annotated memory. */
    void annotate(MemorySegment memory, long at, int bytes, Notes notes);
}
