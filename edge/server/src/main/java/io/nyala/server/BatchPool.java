package io.nyala.server;

import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Batches that are kept from request to request with their memory. Few, and not for long: memory that nobody fills is
 * missing elsewhere. Thread-safe.
 */
final class BatchPool implements AutoCloseable {
    /** As many as requests of one client may be under way at a time; more are made and closed again. */
    private static final int IDLE_MAX = 16;

    private final LongSupplier nanoTime;
    private final long idleNanosMax;
    private final Deque<WriteSession> idle = new ArrayDeque<>(); // The one used last comes first.
    private final AtomicInteger taken = new AtomicInteger();
    private boolean isClosed;

    BatchPool(LongSupplier nanoTime, long idleNanosMax) {
        this.nanoTime = nanoTime;
        this.idleNanosMax = idleNanosMax;
    }

    /** A batch for rows of the table as it is now. */
    WriteSession take(Table table) {
        WriteSession found = find(table);
        WriteSession session = found == null ? new WriteSession(table) : found;
        taken.incrementAndGet();
        return session;
    }

    /** How many were taken and neither given back nor discarded. */
    int takenCount() {
        return taken.get();
    }

    @SuppressWarnings("ReferenceEquality") // A schema that was changed is another object.
    private synchronized @Nullable WriteSession find(Table table) {
        for (Iterator<WriteSession> each = idle.iterator(); each.hasNext(); ) {
            WriteSession session = each.next();
            if (session.table() == table && session.schema() == table.schema()) {
                each.remove();
                return session;
            }
        }
        return null;
    }

    /** It is empty, and may be used again. */
    void giveBack(WriteSession session) {
        taken.decrementAndGet();
        session.idleSince(nanoTime.getAsLong());
        WriteSession unwanted = keep(session);
        if (unwanted != null) {
            close(unwanted);
        }
    }

    private synchronized @Nullable WriteSession keep(WriteSession session) {
        if (isClosed) {
            return session;
        }
        idle.addFirst(session);
        return idle.size() > IDLE_MAX ? idle.removeLast() : null;
    }

    /** It is not to be used again. */
    void discard(WriteSession session) {
        taken.decrementAndGet();
        close(session);
    }

    private static void close(WriteSession session) {
        WriteBatch batch = session.batch();
        try {
            batch.rows().clear();
        } finally {
            session.close();
        }
    }

    /** Closes those that nobody has wanted for a while. */
    void closeIdle() {
        long now = nanoTime.getAsLong();
        while (true) {
            WriteSession oldest;
            synchronized (this) {
                oldest = idle.peekLast();
                if (oldest == null || now - oldest.idleSince() < idleNanosMax) {
                    return;
                }
                idle.removeLast();
            }
            close(oldest);
        }
    }

    @Override
    public void close() {
        Deque<WriteSession> rest;
        synchronized (this) {
            isClosed = true;
            rest = new ArrayDeque<>(idle);
            idle.clear();
        }
        rest.forEach(BatchPool::close);
    }
}
