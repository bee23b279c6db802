package io.nyala.perf;

import io.nyala.perf.CommitLoad.Committer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.Statistics;
import org.rocksdb.TickerType;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * RocksDB, each write synced, with its own group commit. It gets what helps it here: ascending keys, log files that are
 * used again, writes in a pipeline, nothing merged.
 */
final class RocksCommitter implements Committer {
    private static final int RECYCLED_LOGS = 4;
    private static final int NEVER = 1 << 20;

    private final Path place;
    private final int rows;
    private final Statistics statistics = new Statistics();
    private final Options options;
    private final WriteOptions synced = new WriteOptions().setSync(true);
    private final RocksDB database;
    private final AtomicLong nextKey = new AtomicLong();
    private final byte[] value = new byte[ROW_BYTES - Long.BYTES];

    RocksCommitter(Path directory, int rows) {
        this.rows = rows;
        RocksDB.loadLibrary();
        options = new Options()
                .setCreateIfMissing(true)
                .setRecycleLogFileNum(RECYCLED_LOGS)
                .setEnablePipelinedWrite(true)
                .setDisableAutoCompactions(true)
                .setLevel0SlowdownWritesTrigger(NEVER)
                .setLevel0StopWritesTrigger(NEVER)
                .setStatistics(statistics);
        try {
            place = Files.createTempDirectory(directory, "rocks");
            database = RocksDB.open(options, place.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (RocksDBException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public String name() {
        return "RocksDB";
    }

    @Override
    public void commit(int caller) {
        long first = nextKey.getAndAdd(rows);
        try (WriteBatch batch = new WriteBatch()) {
            for (int i = 0; i < rows; i++) {
                byte[] key = ByteBuffer.allocate(Long.BYTES).putLong(first + i).array();
                batch.put(key, value);
            }
            database.write(synced, batch);
        } catch (RocksDBException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public long flushes() {
        return statistics.getTickerCount(TickerType.WAL_FILE_SYNCED);
    }

    /** Waits for flushes of its memory, which would take the disk from the next. */
    @Override
    public void settle() {
        try {
            while (database.getLongProperty("rocksdb.num-running-flushes") > 0) {
                Thread.onSpinWait();
            }
        } catch (RocksDBException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        database.close();
        synced.close();
        options.close();
        statistics.close();
        LineItems.delete(place);
    }
}
