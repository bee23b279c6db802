package io.nyala.engine;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memory.Slab;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Memory for write batches that are being filled: where there is none, who fills one waits for a flush to free some.
 *
 * <pre>{@code
 *   who fills a batch                     maintenance
 *   nothing left: waits  -- wake -->      flushes the tablet with most rows in memory
 *   tries again          <- announce -    rows are freed; or there is nothing to flush, or it failed: refuse
 * }</pre>
 *
 * <p>Nobody waits for what never comes: who waits has its batch, in memory, and nothing that a flush needs. Flush, log
 * and metadata have reservations, a batch that is being filled holds no rowset in memory, and an agent, which a flush
 * may be waiting for, does not wait but is refused at once. When there is nothing left to flush, all who wait are.
 *
 * <p>Thread-safe.
 */
final class BatchMemory implements MemoryAccount.Relief {
    private final AgentHost agents;
    private final Runnable maintenanceWake;
    private final AtomicInteger waiterCount = new AtomicInteger();
    private volatile @Nullable Refusal refusal;
    private volatile @Nullable RuntimeException end;

    /** Known by its identity: those who waited before it are refused. */
    private static final class Refusal {
        private final RuntimeException reason;

        Refusal(RuntimeException reason) {
            this.reason = reason;
        }
    }

    /** One who waits, and what it got. */
    private static final class Waiter {
        private @Nullable Slab taken;
    }

    BatchMemory(AgentHost agents, Runnable maintenanceWake) {
        this.agents = agents;
        this.maintenanceWake = maintenanceWake;
    }

    /** Whether somebody waits for memory. */
    boolean isWanted() {
        return waiterCount.get() > 0;
    }

    /** Nothing can be flushed to free memory, or a flush has failed: who waits now need not wait longer. */
    void refuse(RuntimeException reason) {
        if (isWanted()) {
            refusal = new Refusal(reason);
            agents.announce();
        }
    }

    /** Nothing will be flushed any more. */
    void end(RuntimeException reason) {
        end = reason;
        agents.announce();
    }

    /**
     * Waits until the account has so many bytes.
     *
     * @throws MemoryLimitException if no flush will make it so, or the caller is an agent
     * @throws EngineClosedException if the engine is closed meanwhile
     */
    @Override
    public Slab take(MemoryAccount account, long bytes) {
        if (agents.isAgent()) {
            throw refused(
                    bytes,
                    new MemoryLimitException("a thread of the engine cannot wait for memory, since a flush"
                            + " may wait for it; give what follows a commit an executor of its own"));
        }
        var waiter = new Waiter();
        Refusal before = refusal;
        waiterCount.incrementAndGet(); // Then the wake: maintenance sees who waits, or is woken after it looked.
        try {
            maintenanceWake.run();
            Runnable wanted = Engine.wanted();
            agents.await(() -> {
                wanted.run();
                throwIfInVain(bytes, before);
                waiter.taken = account.tryTake(bytes);
                if (waiter.taken == null) {
                    maintenanceWake.run(); // What was flushed was not enough.
                }
                return waiter.taken != null;
            });
        } finally {
            waiterCount.decrementAndGet();
        }
        Slab taken = waiter.taken;
        if (taken == null) {
            throw new AssertionError("nothing was taken");
        }
        return taken;
    }

    private void throwIfInVain(long bytes, @Nullable Refusal before) {
        RuntimeException ended = end;
        if (ended instanceof EngineClosedException) {
            throw new EngineClosedException();
        }
        if (ended != null) {
            throw refused(bytes, ended);
        }
        Refusal newest = refusal;
        if (newest != null && newest != before) {
            throw refused(bytes, newest.reason);
        }
    }

    private static MemoryLimitException refused(long bytes, RuntimeException reason) {
        return new MemoryLimitException(
                String.format(
                        Locale.ROOT,
                        "no memory for %,d bytes of a write batch, and no flush will free any: %s. Commit or close"
                                + " other batches and scans, and try again",
                        bytes,
                        reason.getMessage()),
                reason);
    }
}
