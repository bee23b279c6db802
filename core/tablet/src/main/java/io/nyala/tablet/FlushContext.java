package io.nyala.tablet;

import io.nyala.compaction.Flush;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.memrowset.MemRowSet;

/** What a flush needs from its host. Used by one maintenance worker. */
public interface FlushContext {
    TabletManifest manifest();

    /** Starts to write the sealed {@code rows} into new rowset files of {@code tablet}. */
    Flush newFlush(Tablet tablet, MemRowSet rows);

    /** Opens a rowset of {@code tablet} for reading. */
    DiskRowSet open(Tablet tablet, long fileId);

    /** Makes the worker look for work. */
    Runnable wake();
}
