package io.nyala.wal;

import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/** Explains the payload of a DATA record, which only its owner understands. */
@FunctionalInterface
public interface PayloadNotes {
    /** One field, unexplained. */
    PayloadNotes RAW = (memory, at, bytes, notes) -> notes.note(at, bytes, "payload");

    /** Notes all of {@code bytes}, which are more than 0, at an offset of the annotated memory. */
    void annotate(MemorySegment memory, long at, int bytes, Notes notes);
}
