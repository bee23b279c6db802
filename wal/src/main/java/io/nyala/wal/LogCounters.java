package io.nyala.wal;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What a log has taken and written since it was opened: what callers gave, and what went to disk for it, padding and
 * the log's own records included. Read by any thread.
 */
public final class LogCounters {
    private final AtomicLong writes = new AtomicLong();
    private final AtomicLong syncs = new AtomicLong();
    private final AtomicLong diskBytes = new AtomicLong();
    private final AtomicLong preparedBytes = new AtomicLong();
    private final AtomicLong records = new AtomicLong();
    private final AtomicLong payloadBytes = new AtomicLong();

    LogCounters() {}

    /** Transfers; each may hold many records. */
    public long writes() {
        return writes.getAcquire();
    }

    /** Flushes that were not part of a durable write. */
    public long syncs() {
        return syncs.getAcquire();
    }

    /** Of those transfers. */
    public long diskBytes() {
        return diskBytes.getAcquire();
    }

    /** Besides {@link #diskBytes}: zeros and headers of segments that were made ready, used or not. */
    public long preparedBytes() {
        return preparedBytes.getAcquire();
    }

    /** That callers published. */
    public long records() {
        return records.getAcquire();
    }

    /** Of those records. Less than {@link #diskBytes} by headers and by what fills writes up to sectors. */
    public long payloadBytes() {
        return payloadBytes.getAcquire();
    }

    /** By any thread. */
    void published(int bytes) {
        records.incrementAndGet();
        payloadBytes.addAndGet(bytes);
    }

    /** By the log's thread. */
    void write(int bytes) {
        writes.setRelease(writes.getPlain() + 1);
        diskBytes.setRelease(diskBytes.getPlain() + bytes);
    }

    /** By the log's thread, or by who starts it. */
    void prepared(int bytes) {
        preparedBytes.setRelease(preparedBytes.getPlain() + bytes);
    }

    /** By the log's thread. */
    void sync() {
        syncs.setRelease(syncs.getPlain() + 1);
    }
}
