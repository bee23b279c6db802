package io.nyala.wal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * How far the log has come, and who wants to know. Changed by the log's thread alone, but for {@link #fail}'s first
 * caller; read by any.
 */
final class LogProgress {
    private static final VarHandle DURABLE_UP_TO = field("durableUpTo", long.class);
    private static final VarHandle WRITTEN_UP_TO = field("writtenUpTo", long.class);
    private static final VarHandle FAILURE = field("failure", RuntimeException.class);

    private final CopyOnWriteArrayList<Runnable> wakes = new CopyOnWriteArrayList<>();

    @SuppressWarnings("UnusedVariable") // Through DURABLE_UP_TO.
    private long durableUpTo;

    @SuppressWarnings("UnusedVariable") // Through WRITTEN_UP_TO.
    private long writtenUpTo;

    private volatile @Nullable RuntimeException failure;

    LogProgress(long sequence) {
        durableUpTo = sequence;
        writtenUpTo = sequence;
    }

    /** Acquires what {@link #durable} released. */
    long durableUpTo() {
        return (long) DURABLE_UP_TO.getAcquire(this);
    }

    /** Acquires what {@link #written} released. */
    long writtenUpTo() {
        return (long) WRITTEN_UP_TO.getAcquire(this);
    }

    void written(long sequence) {
        assert sequence >= writtenUpTo() : sequence + " after " + writtenUpTo();
        WRITTEN_UP_TO.setRelease(this, sequence);
    }

    void durable(long sequence) {
        assert durableUpTo() <= sequence && sequence <= writtenUpTo() : sequence + " of " + writtenUpTo();
        DURABLE_UP_TO.setRelease(this, sequence);
    }

    @Nullable
    RuntimeException failure() {
        return failure;
    }

    /** The first failure stays. */
    void fail(RuntimeException cause) {
        FAILURE.compareAndSet(this, null, cause);
        wakeAll();
    }

    void onProgress(Runnable wake) {
        wakes.add(wake);
    }

    void wakeAll() {
        for (int i = 0; i < wakes.size(); i++) { // An iterator would be garbage at every write.
            wakes.get(i).run();
        }
    }

    private static VarHandle field(String name, Class<?> type) {
        try {
            return MethodHandles.lookup().findVarHandle(LogProgress.class, name, type);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
