package io.nyala.perf;

import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.io.HugePageSource;
import io.nyala.io.Parking;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.perf.CommitLoad.Committer;
import io.nyala.wal.Durability;
import io.nyala.wal.WalConfig;
import io.nyala.wal.WriteAheadLog;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.agrona.concurrent.AgentRunner;

/** The log alone: a batch is a record. */
final class LogCommitter implements Committer.Asynchronous {
    private static final long LOG_ID = 1;
    private static final long MEMORY_BYTES = 64L << 20;
    private static final int CALLERS_MAX = 256;
    private static final long RELEASE_EVERY = 1024;

    private final Path place;
    private final Disk disk;
    private final MemoryBudget budget;
    private final MemoryAccount account;
    private final WriteAheadLog log;
    private final AgentRunner runner;
    private final int batchBytes;
    private final AtomicReferenceArray<Waiter> waiters = new AtomicReferenceArray<>(CALLERS_MAX);
    private final Parking loop = Parking.ofThread();

    /** In a new directory below {@code directory}. */
    LogCommitter(Path directory, String diskName, int rows) {
        batchBytes = rows * ROW_BYTES;
        try {
            place = Files.createTempDirectory(directory, "log");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        WalConfig config = WalConfig.in(place);
        disk = Disks.named(diskName);
        budget = MemoryBudget.open(HugePageSource.orJdk(), MEMORY_BYTES);
        account = budget.account("log", config.memoryBytes());
        log = WriteAheadLog.open(config, disk, account, LOG_ID)
                .start(0, () -> TimeUnit.MILLISECONDS.toMicros(System.currentTimeMillis()));
        runner = new AgentRunner(
                log.agent().idleStrategy(),
                failure -> {
                    throw new IllegalStateException(failure);
                },
                null,
                log.agent());
        AgentRunner.startOnThread(runner);
        log.onProgress(this::progressed);
    }

    /** A thread that waits for a record; 0 for none. */
    private static final class Waiter {
        private final Thread thread;
        private volatile long wanted;

        Waiter(Thread thread) {
            this.thread = thread;
        }
    }

    @Override
    public String name() {
        return "log";
    }

    private void progressed() {
        VarHandle.fullFence(); // Partner: commit().
        long durable = log.durableUpTo();
        for (int i = 0; i < CALLERS_MAX; i++) {
            Waiter waiter = waiters.getAcquire(i);
            long wanted = waiter == null ? 0 : waiter.wanted;
            if (wanted != 0 && wanted <= durable) {
                waiter.wanted = 0;
                LockSupport.unpark(waiter.thread);
            }
        }
        loop.wake();
    }

    @Override
    public void commit(int caller) {
        Waiter waiter = waiters.get(caller);
        if (waiter == null || !waiter.thread.equals(Thread.currentThread())) {
            waiter = new Waiter(Thread.currentThread());
            waiters.set(caller, waiter);
        }
        long sequence = append();
        while (sequence == 0) { // Full: any progress may have made room.
            waiter.wanted = 1;
            VarHandle.fullFence();
            sequence = append();
            if (sequence == 0) {
                LockSupport.park(this);
            }
        }
        waiter.wanted = sequence;
        VarHandle.fullFence(); // Partner: progressed().
        while (log.durableUpTo() < sequence) {
            LockSupport.park(this);
        }
    }

    private long append() {
        long offset = log.reserve(batchBytes);
        if (offset == 0) {
            return 0;
        }
        log.memory().asSlice(offset, batchBytes).fill((byte) 1);
        long sequence = log.publish(batchBytes, Durability.SYNC);
        if (sequence % RELEASE_EVERY == 0) {
            log.releaseUpTo(log.durableUpTo()); // As flushes do: files are used again.
        }
        return sequence;
    }

    @Override
    public Pipeline pipeline(int callers) {
        return new Records(callers);
    }

    @Override
    public long flushes() {
        return log.counters().writes() + log.counters().syncs();
    }

    @Override
    public void settle() {
        for (int i = 0; i < CALLERS_MAX; i++) {
            waiters.set(i, null);
        }
        log.releaseUpTo(log.durableUpTo());
    }

    @Override
    public void close() {
        log.agent().parking().stop(runner);
        log.close();
        account.close();
        budget.close();
        disk.close();
        LineItems.delete(place);
    }

    /** Records in the order of their sequences, which is that in which they become durable. */
    private final class Records implements Pipeline {
        private final long[] sequences;
        private final int[] callers;
        private int first;
        private int count;

        Records(int callerCount) {
            sequences = new long[callerCount];
            callers = new int[callerCount];
        }

        @Override
        public void begin(int caller) {
            long sequence = append();
            while (sequence == 0) {
                loop.park(Long.MAX_VALUE);
                sequence = append();
            }
            int at = (first + count++) % sequences.length;
            sequences[at] = sequence;
            callers[at] = caller;
        }

        @Override
        public int poll(IntConsumer durable) {
            long upTo = log.durableUpTo();
            int polled = 0;
            while (count > 0 && sequences[first] <= upTo) {
                int caller = callers[first];
                first = (first + 1) % sequences.length;
                count--;
                polled++;
                durable.accept(caller);
            }
            return polled;
        }

        @Override
        public void await() {
            loop.park(Long.MAX_VALUE);
        }
    }
}
