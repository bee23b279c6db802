package io.nyala.perf;

import io.nyala.perf.CommitLoad.Committer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;

/**
 * The store of the H2 database: written by Java, in place of nothing. It has no group commit of its own, so it gets one
 * here: whoever finds that a commit began after its batch was put in has nothing to do.
 */
final class MvStoreCommitter implements Committer {
    /** Rows in the map; beyond it the oldest are replaced. */
    private static final long KEYS_MAX = 1 << 20;

    private final Path place;
    private final MVStore store;
    private final MVMap<Long, byte[]> map;
    private final int rows;
    private final AtomicLong nextKey = new AtomicLong();
    private final AtomicLong put = new AtomicLong();
    private final ReentrantLock lock = new ReentrantLock();
    private long durable; // Guarded by the lock.
    private final AtomicLong syncs = new AtomicLong();

    MvStoreCommitter(Path directory, int rows) {
        this.rows = rows;
        try {
            place = Files.createTempDirectory(directory, "mvstore");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        store = new MVStore.Builder()
                .fileName(place.resolve("store").toString())
                .autoCommitDisabled()
                .open();
        map = store.openMap("rows");
    }

    @Override
    public String name() {
        return "H2 MVStore";
    }

    @Override
    public void commit(int caller) {
        long first = nextKey.getAndAdd(rows);
        for (int i = 0; i < rows; i++) {
            map.put((first + i) % KEYS_MAX, new byte[ROW_BYTES - Long.BYTES]);
        }
        long mine = put.incrementAndGet();
        lock.lock();
        try {
            if (durable < mine) {
                long upTo = put.get();
                store.commit();
                store.sync();
                durable = upTo;
                syncs.incrementAndGet();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long flushes() {
        return syncs.get();
    }

    @Override
    public void settle() {}

    @Override
    public void close() {
        store.closeImmediately();
        LineItems.delete(place);
    }
}
