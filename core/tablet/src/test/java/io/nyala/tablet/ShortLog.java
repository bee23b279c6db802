package io.nyala.tablet;

import io.nyala.wal.CommitLog;
import io.nyala.wal.Durability;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A log whose memory is not there if a test says so, and which tells whether anybody has it for itself. */
final class ShortLog implements CommitLog {
    private final CommitLog log;
    private boolean isShort;
    private boolean isFree = true;

    ShortLog(CommitLog log) {
        this.log = log;
    }

    void isShort(boolean newIsShort) {
        isShort = newIsShort;
    }

    boolean isFree() {
        return isFree;
    }

    @Override
    public int payloadBytesMax() {
        return log.payloadBytesMax();
    }

    @Override
    public MemorySegment memory() {
        return isShort ? MemorySegment.NULL : log.memory();
    }

    @Override
    public long reserve(int payloadBytesMax) {
        long offset = log.reserve(payloadBytesMax);
        isFree = offset == 0;
        return offset;
    }

    @Override
    public long publish(int payloadBytes, Durability durability) {
        isFree = true;
        return log.publish(payloadBytes, durability);
    }

    @Override
    public void abandon() {
        isFree = true;
        log.abandon();
    }

    @Override
    public long lastSequence() {
        return log.lastSequence();
    }

    @Override
    public long durableUpTo() {
        return log.durableUpTo();
    }

    @Override
    public long writtenUpTo() {
        return log.writtenUpTo();
    }

    @Override
    public void onProgress(Runnable wake) {
        log.onProgress(wake);
    }

    @Override
    public void wantDurable(long sequence) {
        log.wantDurable(sequence);
    }

    @Override
    public @Nullable RuntimeException failure() {
        return log.failure();
    }

    @Override
    public void releaseUpTo(long sequence) {
        log.releaseUpTo(sequence);
    }

    @Override
    public long oldestSequence() {
        return log.oldestSequence();
    }

    @Override
    public void close() {
        log.close();
    }
}
