package io.nyala.io;

import java.lang.foreign.MemorySegment;

/**
 * One thread's transfers in flight, by token. A transfer is queued by {@link #read}, {@link #write}, {@link
 * #writeDurable} or
 * {@link #sync}, started at the latest by the next {@link #poll} or {@link #await}, and reported exactly once by {@code
 * poll}, in any order. There is no order between transfers in flight: a sync covers the writes whose completion was
 * handed out before it was queued.
 *
 * <p>Until its completion is handed out, the memory of a transfer belongs to the disk: native memory that stays
 * allocated, and that nobody else writes. A short transfer is continued by the disk.
 *
 * <p>Belongs to the thread that uses it first, except {@link #wake}, which any thread may call at any time; one from
 * {@link Disk#newMovableQueue} may be handed on. Whoever asked for the queue closes it, on its thread.
 */
public interface IoQueue extends AutoCloseable {
    /** Most transfers a queue can have in flight; the kernel's limit of a ring is 32,768. */
    int DEPTH_LIMIT = 4096;

    /** Reads into memory; reports fewer bytes than asked only at the end of the file. */
    void read(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token);

    /** Writes; when completed, a read sees it, but a power cut may still take it or parts of it. */
    void write(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token);

    /** Writes; when completed, these bytes and the file's length up to their end survive a power cut. */
    void writeDurable(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token);

    /** Makes all completed writes to a file, and its length, durable. Reports 0 bytes. */
    void sync(DiskFile file, long token);

    /** Transfers queued or started whose completion has not been handed out. */
    int inFlight();

    /** Most transfers in flight; queueing more throws IllegalStateException. */
    int depthMax();

    /**
     * Starts what is queued and hands out what has completed. Never blocks. The receiver may queue further transfers.
     *
     * @return how many completions were handed out
     */
    int poll(Completions completions);

    /**
     * Starts what is queued, then blocks until a completion is ready, {@link #wake} was called (also before), or time
     * is up. May return early. When nothing is in flight, it waits for {@code wake} alone.
     *
     * @param nanosMax longest time to wait; {@code Long.MAX_VALUE} for ever
     */
    void await(long nanosMax);

    /** Ends the present {@link #await}, or makes the next one return at once. Cheap when nobody waits. */
    void wake();

    /**
     * Waits until the memory of all transfers is free again. What was not started may not happen; no completion is
     * handed out. If this throws, the memory of what was in flight is not free, and never will be: whoever owns it
     * neither uses it for something else nor gives it back.
     */
    @Override
    void close();
}
