package io.nyala.wal;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Where bytes become durable, in order. Local today ({@link WriteAheadLog}), replicated tomorrow.
 *
 * <p>A record is built in place, in the log's own memory:
 *
 * <pre>{@code
 * long offset = log.reserve(bytesMax);
 * if (offset == 0) {
 *     return; // Full: try again when woken.
 * }
 * int bytes = build(log.memory(), offset);
 * long sequence = log.publish(bytes, Durability.SYNC);
 * ...
 * if (log.durableUpTo() >= sequence) { acknowledge }
 * }</pre>
 *
 * <p>Nothing here waits for a device. Between {@code reserve} and {@code publish} (or {@code abandon}) a thread has the
 * log for itself and others wait for it, so that time must be short: copying, no I/O.
 *
 * <p>Only a contiguous prefix is ever acknowledged: when {@link #durableUpTo} covers a sequence, everything before it
 * is durable too. Once the log has failed, nothing further is acknowledged and everything throws.
 *
 * <p>Shared by threads.
 */
public interface CommitLog extends AutoCloseable {
    /** Largest payload of one record. */
    int payloadBytesMax();

    /** Where the offsets of {@link #reserve} point to. Written only by who has reserved. */
    MemorySegment memory();

    /**
     * Takes room for the next record; follow by {@link #publish} or {@link #abandon} on the same thread.
     *
     * @param payloadBytesMax most bytes the payload will have
     * @return where to put the payload in {@link #memory()}, 8-byte aligned, or 0 if there is no room just now: what
     *     was registered by {@link #onProgress} is called when it is worth trying again
     * @throws IllegalArgumentException if it is more than {@link #payloadBytesMax()}
     * @throws LogFullException if the disk has no room for it; nothing was accepted
     * @throws LogStoppedException if the log has failed or is closed
     */
    long reserve(int payloadBytesMax);

    /**
     * As {@link #reserve}, for a record that is written so that older ones can be released: for it a log that is as
     * large as it may be becomes somewhat larger.
     *
     * @throws LogFullException also where a log that is full would let {@link #reserve} wait for a release
     */
    default long reserveToRelease(int payloadBytesMax) {
        return reserve(payloadBytesMax);
    }

    /**
     * Puts the record whose payload is in place into the log's order.
     *
     * @return its sequence; acknowledged when {@link #durableUpTo} (for WRITTEN: {@link #writtenUpTo}) has reached it
     * @throws IllegalArgumentException if it is more than was reserved; the room is still reserved then
     */
    long publish(int payloadBytes, Durability durability);

    /** Gives the room back; no record comes of it. */
    void abandon();

    /** {@link #reserve}, copy, {@link #publish}: the record's sequence, or 0 if there is no room just now. */
    default long append(MemorySegment source, long offset, int bytes, Durability durability) {
        long target = reserve(bytes);
        if (target == 0) {
            return 0;
        }
        MemorySegment.copy(source, offset, memory(), target, bytes);
        return publish(bytes, durability);
    }

    /** Sequence of the newest record published; it need not be durable. */
    long lastSequence();

    /** All records up to this sequence survive a power cut. */
    long durableUpTo();

    /** All records up to this sequence survive the end of the process; at least {@link #durableUpTo}. */
    long writtenUpTo();

    /**
     * Registers what is called, by the log's thread, after progress: more is durable or written, there is room again,
     * or the log has failed. It must be quick and not block: waking an agent.
     */
    void onProgress(Runnable wake);

    /** Makes records up to this sequence durable, also where nobody asked for it when they were published. */
    void wantDurable(long sequence);

    /** Why the log stopped, or null. */
    @Nullable
    RuntimeException failure();

    /** Records up to this sequence are not needed any more: their space may be used again. Returns at once. */
    void releaseUpTo(long sequence);

    /** Sequence of the oldest record that is still kept. */
    long oldestSequence();

    /** Makes everything durable, and says in the log that it ended here. */
    @Override
    void close();
}
