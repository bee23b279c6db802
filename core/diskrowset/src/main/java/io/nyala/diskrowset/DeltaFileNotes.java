package io.nyala.diskrowset;

import io.nyala.cfile.MetadataNotes;
import io.nyala.encoding.EncodedVector;
import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/** Explains what a delta file puts into a column file, for the dump tool. Stateless. */
public final class DeltaFileNotes implements MetadataNotes {
    /** Whether a column file with this metadata is a delta file. */
    public static boolean isDeltaFile(MemorySegment metadata) {
        return DeltaFileFormat.isDelta(metadata);
    }

    @Override
    public void annotate(MemorySegment memory, long at, int bytes, Notes notes) {
        DeltaFileFormat.annotateMetadata(memory, at, notes);
    }

    @Override
    public void annotatePage(
            int sectionId, MemorySegment memory, long at, int bytes, EncodedVector handle, Notes notes) {
        DeltaFileFormat.annotatePage(memory, at, handle, notes);
    }
}
