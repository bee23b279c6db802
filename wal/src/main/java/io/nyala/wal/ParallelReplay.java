package io.nyala.wal;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Hands the records of a log to several threads at start-up: those of one stream in their order, by one of them; while
 * they apply some, the next are read.
 *
 * <pre>{@code
 *   LogReader --> stream --> lane: [chunk filled] [chunk applied] --> thread --> RecordConsumer
 *                       '--> lane: ..
 * }</pre>
 *
 * <p>Records are copied, which costs less than waiting for all before the reader goes on. What the consumer throws is
 * thrown to the reader, at the next record or at {@link #finish}; nothing is applied in that lane after it. One thread
 * reads; owns the memory and the threads.
 */
public final class ParallelReplay implements RecordConsumer, AutoCloseable {
    /** Enough that threads seldom wait for one another; a larger record is applied by the reader's thread. */
    static final int CHUNK_BYTES = 512 << 10;

    private static final int CHUNKS_OF_LANE = 2;
    private static final int ENTRY_BYTES = 16; // Sequence, bytes, zero.
    private static final long SCRAMBLE = 0x9E37_79B9_7F4A_7C15L;

    private final RecordStreams streams;
    private final RecordConsumer consumer;
    private final MemoryAccount account;
    private final List<Lane> lanes = new ArrayList<>();
    private boolean isClosed;

    /**
     * @param consumer called by several threads at a time, for streams of which each belongs to one of them
     * @param laneCount threads, or as many as the system has; with one, or where there is none, records are applied by
     *     who reads them
     */
    public ParallelReplay(
            RecordStreams streams,
            RecordConsumer consumer,
            MemoryAccount account,
            int laneCount,
            ThreadFactory threads) {
        this.streams = streams;
        this.consumer = consumer;
        this.account = account;
        try {
            for (int i = 0; laneCount > 1 && i < laneCount; i++) {
                Lane lane = new Lane();
                lanes.add(lane);
                if (!lane.start(threads)) {
                    lanes.removeLast().close();
                    break;
                }
            }
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /** Native memory that so many threads need. */
    public static long memoryBytes(int laneCount) {
        return laneCount > 1 ? (long) laneCount * CHUNKS_OF_LANE * CHUNK_BYTES : 0;
    }

    @Override
    public void record(long sequence, MemorySegment memory, long offset, int bytes) {
        if (lanes.isEmpty()) {
            consumer.record(sequence, memory, offset, bytes);
            return;
        }
        long stream = streams.stream(memory, offset, bytes);
        lanes.get((int) Math.floorMod((stream * SCRAMBLE) >>> 32, (long) lanes.size()))
                .add(sequence, memory, offset, bytes);
    }

    /** Waits until all is applied. */
    public void finish() {
        lanes.forEach(Lane::drain);
    }

    /** Ends the threads; what was not applied is not. */
    @Override
    public void close() {
        if (!isClosed) {
            isClosed = true;
            lanes.forEach(Lane::close);
        }
    }

    private static final class Chunk {
        private final Slab slab;
        private int usedBytes;

        Chunk(Slab slab) {
            this.slab = slab;
        }
    }

    /** Of some streams: a thread, and what it has to do. */
    private final class Lane {
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();
        private final ArrayDeque<Chunk> filled = new ArrayDeque<>(); // Guarded by the lock, as all but filling is.
        private final ArrayDeque<Chunk> free = new ArrayDeque<>();
        private boolean isEnding;
        private @Nullable Throwable failure;
        private @Nullable Chunk filling;
        private @Nullable Thread thread;

        /** Answers false if the system has no thread for it: at a limit of processes that is an OutOfMemoryError. */
        boolean start(ThreadFactory threads) {
            for (int i = 0; i < CHUNKS_OF_LANE; i++) {
                free.add(new Chunk(account.take(CHUNK_BYTES)));
            }
            Thread started = threads.newThread(this::run);
            try {
                started.start();
            } catch (OutOfMemoryError _) {
                return false;
            }
            thread = started;
            return true;
        }

        void add(long sequence, MemorySegment memory, long offset, int bytes) {
            int needed = ENTRY_BYTES + (bytes + 7 & -8);
            if (needed > CHUNK_BYTES) {
                drain();
                consumer.record(sequence, memory, offset, bytes);
                return;
            }
            Chunk chunk = filling;
            if (chunk != null && chunk.usedBytes + needed > CHUNK_BYTES) {
                handOver();
                chunk = null;
            }
            if (chunk == null) {
                chunk = takeFree();
                filling = chunk;
            }
            MemorySegment target = chunk.slab.segment();
            target.set(SegmentFormat.LONG, chunk.usedBytes, sequence);
            target.set(SegmentFormat.INT, chunk.usedBytes + Long.BYTES, bytes);
            MemorySegment.copy(memory, offset, target, chunk.usedBytes + ENTRY_BYTES, bytes);
            chunk.usedBytes += needed;
        }

        private void handOver() {
            Chunk chunk = filling;
            if (chunk != null) {
                filling = null;
                lock.lock();
                try {
                    filled.add(chunk);
                    changed.signalAll();
                } finally {
                    lock.unlock();
                }
            }
        }

        private Chunk takeFree() {
            lock.lock();
            try {
                while (free.isEmpty()) {
                    changed.awaitUninterruptibly();
                }
                throwIfFailed();
                return free.remove();
            } finally {
                lock.unlock();
            }
        }

        /** Waits until all of it is applied. */
        void drain() {
            handOver();
            lock.lock();
            try {
                while (free.size() < CHUNKS_OF_LANE) {
                    changed.awaitUninterruptibly();
                }
                throwIfFailed();
            } finally {
                lock.unlock();
            }
        }

        private void throwIfFailed() {
            switch (failure) {
                case null -> {}
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case Throwable e -> throw new IllegalStateException(e);
            }
        }

        private void run() {
            for (Chunk chunk = takeFilled(); chunk != null; chunk = takeFilled()) {
                Throwable thrown = null;
                try {
                    apply(chunk);
                } catch (RuntimeException | Error e) {
                    thrown = e;
                }
                giveBack(chunk, thrown);
            }
        }

        private @Nullable Chunk takeFilled() {
            lock.lock();
            try {
                while (filled.isEmpty() && !isEnding) {
                    changed.awaitUninterruptibly();
                }
                return isEnding ? null : filled.remove();
            } finally {
                lock.unlock();
            }
        }

        private void apply(Chunk chunk) {
            MemorySegment memory = chunk.slab.segment();
            if (hasFailed()) {
                return;
            }
            for (int at = 0; at < chunk.usedBytes; ) {
                int bytes = memory.get(SegmentFormat.INT, at + Long.BYTES);
                consumer.record(memory.get(SegmentFormat.LONG, at), memory, at + ENTRY_BYTES, bytes);
                at += ENTRY_BYTES + (bytes + 7 & -8);
            }
        }

        private boolean hasFailed() {
            lock.lock();
            try {
                return failure != null;
            } finally {
                lock.unlock();
            }
        }

        private void giveBack(Chunk chunk, @Nullable Throwable thrown) {
            chunk.usedBytes = 0;
            lock.lock();
            try {
                failure = failure == null ? thrown : failure;
                free.add(chunk);
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        void close() {
            lock.lock();
            try {
                isEnding = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
            join();
            Chunk unfinished = filling;
            if (unfinished != null) {
                account.giveBack(unfinished.slab);
            }
            filled.forEach(chunk -> account.giveBack(chunk.slab));
            free.forEach(chunk -> account.giveBack(chunk.slab));
        }

        private void join() {
            Thread started = thread;
            boolean isInterrupted = false;
            while (started != null && started.isAlive()) {
                try {
                    started.join();
                } catch (InterruptedException _) {
                    isInterrupted = true;
                }
            }
            if (isInterrupted) {
                Thread.currentThread().interrupt(); // For the caller; the thread is about to end anyway.
            }
        }
    }
}
