package io.nyala.tablet;

import io.nyala.diskrowset.DiskRowSet;
import io.nyala.memrowset.MemRowSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A MemRowSet and, once it was flushed, the rowsets on disk that hold its rows since. Whoever still has it in hand, and
 * has entered the tablet's epochs, looks here first: outputs present means that the memory may be gone after leaving.
 */
final class FreshRows {
    private final MemRowSet rows;
    private volatile @Nullable List<DiskRowSet> outputs;
    private long retiredInVersion = Long.MAX_VALUE;

    FreshRows(MemRowSet rows) {
        this.rows = rows;
    }

    MemRowSet rows() {
        return rows;
    }

    /** The rowsets that replaced it, in key order; null while it serves itself. */
    @Nullable
    List<DiskRowSet> outputs() {
        return outputs;
    }

    /** First version of the map in which it is no longer; only the writer asks. */
    long retiredInVersion() {
        return retiredInVersion;
    }

    void retire(List<DiskRowSet> newOutputs, long version) {
        assert outputs == null : "MemRowSet " + rows.id() + " is retired twice";
        retiredInVersion = version;
        outputs = List.copyOf(newOutputs);
    }
}
