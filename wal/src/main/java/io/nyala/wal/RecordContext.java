package io.nyala.wal;

/** What a record says about its place in the log: the writer's running state. One thread at a time. */
final class RecordContext {
    final long logId;
    final int epoch;
    final int opening;
    long sequence;
    long durableUpTo;
    int previousCrc;

    RecordContext(long logId, int epoch, int opening) {
        this.logId = logId;
        this.epoch = epoch;
        this.opening = opening;
    }
}
