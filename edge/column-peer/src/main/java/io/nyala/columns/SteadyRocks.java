package io.nyala.columns;

import io.nyala.tablet.TabletLookup.Effort;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Statistics;
import org.rocksdb.TickerType;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * RocksDB as a {@link SteadyStore}: leveled compaction, as it comes, each batch synced, files read and written past
 * the page cache as ours are. Half of its memory is for blocks, half for rows that are not on disk yet.
 */
final class SteadyRocks implements SteadyStore {
    static {
        RocksDB.loadLibrary(); // Parts of it are made before it is opened.
    }

    private static final int WRITE_BUFFERS = 2; // As it comes.
    private static final double FILTER_BITS = 20; // See LookUpFigures.
    private static final int BACKGROUND_JOBS = 2; // As it comes.

    private final Cache cache;
    private final BloomFilter filter = new BloomFilter(FILTER_BITS);
    private final Statistics statistics = new Statistics();
    private final Options options;
    private final WriteOptions synced = new WriteOptions().setSync(true);
    private final RocksDB database;

    /** @param memoryBytes all that it may use */
    SteadyRocks(Path directory, long memoryBytes) throws RocksDBException {
        this.cache = new LRUCache(memoryBytes / 2);
        this.options = new Options()
                .setCreateIfMissing(true)
                .setMaxBackgroundJobs(BACKGROUND_JOBS)
                .setMaxWriteBufferNumber(WRITE_BUFFERS)
                .setWriteBufferSize(memoryBytes / 2 / WRITE_BUFFERS)
                .setUseDirectReads(true)
                .setUseDirectIoForFlushAndCompaction(true)
                .setStatistics(statistics)
                .setTableFormatConfig(
                        new BlockBasedTableConfig().setBlockCache(cache).setFilterPolicy(filter));
        this.database = RocksDB.open(options, directory.toString());
    }

    @Override
    public String name() {
        return "RocksDB";
    }

    @Override
    public Writer newWriter() {
        return new RocksWriter();
    }

    @Override
    public Reader newReader() {
        return new RocksReader();
    }

    @Override
    public State state() {
        return new State(property("rocksdb.live-sst-files-size"), writtenBytes(), height(), 0, memoryBytes());
    }

    /** Of the log, of flushes and of compactions, by its own statistics. */
    private long writtenBytes() {
        return statistics.getTickerCount(TickerType.WAL_FILE_BYTES)
                + statistics.getTickerCount(TickerType.FLUSH_WRITE_BYTES)
                + statistics.getTickerCount(TickerType.COMPACT_WRITE_BYTES);
    }

    private long memoryBytes() {
        return property("rocksdb.block-cache-usage")
                + property("rocksdb.cur-size-all-mem-tables")
                + property("rocksdb.estimate-table-readers-mem");
    }

    /** Each file of level 0 is a run of its own, and so is each level below that has files. */
    private double height() {
        long runs = filesAt(0);
        for (int level = 1; level < database.numberLevels(); level++) {
            runs += filesAt(level) > 0 ? 1 : 0;
        }
        return runs;
    }

    private long filesAt(int level) {
        try {
            return Long.parseLong(database.getProperty("rocksdb.num-files-at-level" + level));
        } catch (RocksDBException e) {
            throw new IllegalStateException(e);
        }
    }

    private long property(String name) {
        try {
            return database.getLongProperty(name);
        } catch (RocksDBException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public boolean isAtRest() {
        return property("rocksdb.estimate-pending-compaction-bytes") == 0
                && property("rocksdb.compaction-pending") == 0
                && property("rocksdb.num-running-compactions") == 0
                && property("rocksdb.num-running-flushes") == 0;
    }

    @Override
    public void rewrite() {
        try {
            database.compactRange(); // Flushes, too.
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
        filter.close();
        cache.close();
    }

    private final class RocksWriter implements Writer {
        private final WriteBatch batch = new WriteBatch();
        private final ByteBuffer key = ByteBuffer.allocateDirect(SteadyRows.KEY_BYTES);
        private final ByteBuffer value = ByteBuffer.allocateDirect(SteadyRows.VALUE_BYTES_MAX);

        @Override
        public void put(long number, long version) {
            SteadyRows.putKey(key, number);
            SteadyRows.putValue(value, number, version);
            try {
                batch.put(key, value);
            } catch (RocksDBException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void commit() {
            try {
                database.write(synced, batch);
            } catch (RocksDBException e) {
                throw new IllegalStateException(e);
            }
            batch.clear();
        }

        @Override
        public void close() {
            batch.close();
        }
    }

    private final class RocksReader implements Reader {
        private final ReadOptions reading = new ReadOptions();
        private final ByteBuffer key = ByteBuffer.allocateDirect(SteadyRows.KEY_BYTES);
        private final ByteBuffer value = ByteBuffer.allocateDirect(SteadyRows.VALUE_BYTES_MAX);
        private final ByteBuffer end = ByteBuffer.allocateDirect(SteadyRows.KEY_BYTES);

        @Override
        public long scan(long fromOrder, long toOrder) {
            SteadyRows.putKey(key, fromOrder, 0);
            SteadyRows.putKey(end, toOrder, 0);
            ByteBuffer found = ByteBuffer.allocateDirect(SteadyRows.KEY_BYTES);
            long count = 0;
            try (RocksIterator iterator = database.newIterator(reading)) {
                for (iterator.seek(key); iterator.isValid(); iterator.next()) {
                    iterator.key(found.clear());
                    if (SteadyRows.compareKeys(found, end) >= 0) {
                        break;
                    }
                    iterator.value(value.clear());
                    count++;
                }
            }
            return count;
        }

        @Override
        public boolean lookUp(long number) {
            SteadyRows.putKey(key, number);
            try {
                return database.get(reading, key, value.clear()) != RocksDB.NOT_FOUND;
            } catch (RocksDBException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public Effort effort() {
            return Effort.NONE;
        }

        @Override
        public void close() {
            reading.close();
        }
    }
}
