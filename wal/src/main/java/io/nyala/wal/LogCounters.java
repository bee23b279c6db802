package io.nyala.wal;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What a log has written since it was opened, padding and control records included; what callers gave is told by their
 * payloads. Counted by the log's thread, read by any.
 */
public final class LogCounters {
    private final AtomicLong writes = new AtomicLong();
    private final AtomicLong syncs = new AtomicLong();
    private final AtomicLong diskBytes = new AtomicLong();

    LogCounters() {}

    /** Transfers; each may hold many records. */
    public long writes() {
        return writes.getAcquire();
    }

    /** Flushes that were not part of a durable write. */
    public long syncs() {
        return syncs.getAcquire();
    }

    public long diskBytes() {
        return diskBytes.getAcquire();
    }

    void write(int bytes) {
        writes.setRelease(writes.getPlain() + 1);
        diskBytes.setRelease(diskBytes.getPlain() + bytes);
    }

    void sync() {
        syncs.setRelease(syncs.getPlain() + 1);
    }
}
