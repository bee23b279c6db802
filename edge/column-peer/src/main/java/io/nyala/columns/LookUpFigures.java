package io.nyala.columns;

import com.sun.management.ThreadMXBean;
import io.nyala.cfile.KeyFilter;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Lookup;
import io.nyala.engine.Scan;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.IndexType;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.WriteOptions;

/**
 * Rows looked up by random keys, by one caller, one at a time and several together, beside RocksDB through JNI, with
 * blocks read past the page cache as ours are: with a cache that has everything and with one that has hardly anything;
 * keys that are there, and keys that are not.
 *
 * <pre>{@code
 * perf/run lookups [DIRECTORY [ROWS [SECONDS]]]
 * }</pre>
 *
 * Rows are a 64-bit key, a 32-bit number and a string of 32 random letters. Each answer is looked at: its number must
 * be that of its key. Both are filled, flushed and merged before they are asked. Filters of both let as many keys
 * through that are not there; where the cache is small, RocksDB has its indexes and filters in it, too, as we have our
 * filters, and in parts, as it advises for that.
 */
public final class LookUpFigures {
    private static final long DEFAULT_ROWS = 10_000_000;
    private static final long DEFAULT_SECONDS = 3;
    private static final int BATCH_ROWS = 1000;
    private static final long MIB = 1L << 20;
    private static final long LARGE_CACHE_BYTES = 1024 * MIB;
    private static final long SMALL_CACHE_BYTES = 8 * MIB;

    /** Of RocksDB, a key: lets about as many through as {@link KeyFilter#RATE_DEFAULT}, where 10 let 1 % through. */
    private static final int FILTER_BITS = 20;

    private static final int TEXT_BYTES = 32;
    private static final int[] TOGETHER = {1, 16, 100};

    private static final Schema SCHEMA = Schema.of(
            Column.key("key", ColumnType.INT64),
            Column.of("number", ColumnType.INT32),
            Column.of("text", ColumnType.STRING));

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final Path directory;
    private final long rows;
    private final long nanos;

    private LookUpFigures(Path directory, long rows, long nanos) {
        this.directory = directory;
        this.rows = rows;
        this.nanos = nanos;
    }

    public static void main(String[] arguments) throws IOException, RocksDBException {
        Path below = Path.of(arguments.length > 0 ? arguments[0] : System.getProperty("java.io.tmpdir"));
        long rows = arguments.length > 1 ? Long.parseLong(arguments[1]) : DEFAULT_ROWS;
        long seconds = arguments.length > 2 ? Long.parseLong(arguments[2]) : DEFAULT_SECONDS;
        print(below, rows, TimeUnit.SECONDS.toNanos(seconds));
    }

    /** Prints a table; each of its lines takes {@code nanos} twice, the first time to get warm. */
    static void print(Path below, long rows, long nanos) throws IOException, RocksDBException {
        Files.createDirectories(below);
        Path directory = Files.createTempDirectory(below, "lookups");
        try {
            new LookUpFigures(directory, rows, nanos).run();
        } finally {
            try (Stream<Path> paths = Files.walk(directory)) {
                for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }

    private void run() throws IOException, RocksDBException {
        Path ours = directory.resolve("nyala");
        fillEngine(ours);
        fillRocks(theirs(LARGE_CACHE_BYTES), LARGE_CACHE_BYTES);
        fillRocks(theirs(SMALL_CACHE_BYTES), SMALL_CACHE_BYTES);
        System.out.printf(
                Locale.ROOT,
                "%,d rows, %,d MiB of ours and %,d MiB of RocksDB's. p50 and p99 are of a call, all else is of a"
                        + " key.%n",
                rows,
                bytes(ours) / MIB,
                bytes(theirs(LARGE_CACHE_BYTES)) / MIB);
        System.out.printf(
                Locale.ROOT,
                "Key filters let %.2f %% of absent keys through in ours, 24 bits a key; RocksDB's have %d bits, which"
                        + " is about the same. With the small cache RocksDB's indexes and filters are in it as well.%n",
                100 * KeyFilter.RATE_DEFAULT,
                FILTER_BITS);
        System.out.println(
                "Reads are, of ours, pages that were not in the cache, of which neighbours are read together;"
                        + " of RocksDB, system calls that read, of the whole process.");
        System.out.println();
        System.out.println("| keys | cache | together | of | keys/s | p50, us | p99, us | CPU, us | reads | heap, B |");
        System.out.println("|---|---|---|---|---|---|---|---|---|---|");
        for (long cacheBytes : new long[] {LARGE_CACHE_BYTES, SMALL_CACHE_BYTES}) {
            try (OurRows store = new OurRows(ours, cacheBytes)) {
                ask(store, cacheBytes);
            }
            try (RocksRows store = new RocksRows(theirs(cacheBytes), cacheBytes)) {
                ask(store, cacheBytes);
            }
        }
    }

    /** Files differ with the cache. */
    private Path theirs(long cacheBytes) {
        return directory.resolve("rocksdb" + cacheBytes);
    }

    private static long bytes(Path directory) throws IOException {
        try (Stream<Path> paths = Files.walk(directory)) {
            long sum = 0;
            for (Path path : paths.filter(Files::isRegularFile).toList()) {
                sum += Files.size(path);
            }
            return sum;
        }
    }

    // ---- Rows ----

    /** Even, so that odd ones are not there. */
    private static long key(long row) {
        return row << 1;
    }

    /** 32 letters that nothing can be made of. */
    private static void text(long row, byte[] target, int offset) {
        SplittableRandom random = new SplittableRandom(row);
        for (int i = 0; i < TEXT_BYTES; i += Long.BYTES) {
            long bits = random.nextLong();
            for (int j = 0; j < Long.BYTES; j++) {
                target[offset + i + j] = (byte) ('a' + (bits >>> (8 * j) & 15));
            }
        }
    }

    private EngineConfig config(Path path, long cacheBytes) {
        return EngineConfig.in(path).withMemoryBytes(3 * LARGE_CACHE_BYTES).withCacheBytes(cacheBytes);
    }

    private void fillEngine(Path path) {
        byte[] text = new byte[TEXT_BYTES];
        try (Engine engine = Engine.open(config(path, LARGE_CACHE_BYTES))) {
            Table table = engine.createTable("rows", SCHEMA);
            try (WriteBatch batch = table.newBatch()) {
                for (long row = 0; row < rows; row++) {
                    text(row, text, 0);
                    batch.rows()
                            .start(OperationKind.INSERT)
                            .setLong(0, key(row))
                            .setInt(1, (int) row)
                            .setBytes(2, text)
                            .end();
                    if ((row + 1) % BATCH_ROWS == 0 || row + 1 == rows) {
                        batch.commit().orThrow();
                    }
                }
            }
            table.flush().join();
            table.compact().join();
        }
    }

    private static Options options(long cacheBytes) {
        var options = new Options(); // First, since it loads the library.
        var format = new BlockBasedTableConfig()
                .setBlockCache(new LRUCache(cacheBytes))
                .setFilterPolicy(new BloomFilter(FILTER_BITS));
        if (cacheBytes == SMALL_CACHE_BYTES) { // Otherwise they are in memory beside the cache, whole.
            format.setCacheIndexAndFilterBlocks(true)
                    .setPinTopLevelIndexAndFilter(true)
                    .setPartitionFilters(true)
                    .setIndexType(IndexType.kTwoLevelIndexSearch);
        }
        return options.setCreateIfMissing(true).setUseDirectReads(true).setTableFormatConfig(format);
    }

    private static byte[] rocksKey(long key) {
        return ByteBuffer.allocate(Long.BYTES).putLong(key).array();
    }

    private void fillRocks(Path path, long cacheBytes) throws IOException, RocksDBException {
        Files.createDirectories(path);
        byte[] value = new byte[Integer.BYTES + TEXT_BYTES];
        try (Options options = options(cacheBytes);
                RocksDB database = RocksDB.open(options, path.toString());
                WriteOptions unlogged = new WriteOptions().setDisableWAL(true)) {
            for (long row = 0; row < rows; ) {
                try (org.rocksdb.WriteBatch batch = new org.rocksdb.WriteBatch()) {
                    for (int i = 0; i < BATCH_ROWS && row < rows; i++, row++) {
                        ByteBuffer.wrap(value).putInt((int) row);
                        text(row, value, Integer.BYTES);
                        batch.put(rocksKey(key(row)), value);
                    }
                    database.write(unlogged, batch);
                }
            }
            database.compactRange(); // Flushes, too.
        }
    }

    // ---- Questions ----

    /** Rows that are looked up. */
    private interface Rows extends AutoCloseable {
        String name();

        /** Looks keys up together; answers how many are there. */
        int lookUp(long[] keys) throws RocksDBException;

        /** Reads everything once, so that all of it is in a cache that is large enough. */
        void readAll();

        /** Pages or blocks that were not in the cache so far. */
        long reads() throws IOException;

        @Override
        void close();
    }

    private final class OurRows implements Rows {
        private final Engine engine;
        private final Lookup lookup;

        OurRows(Path path, long cacheBytes) {
            this.engine = Engine.open(config(path, cacheBytes));
            this.lookup = engine.table("rows").orElseThrow().lookup("number", "text");
        }

        @Override
        public String name() {
            return "Nyala";
        }

        @Override
        public int lookUp(long[] keys) {
            for (long key : keys) {
                lookup.key().setLong(0, key).end();
            }
            int found = 0;
            while (lookup.next()) {
                int count = lookup.batch().rowCount();
                for (int row = 0; row < count; row++) {
                    long number = keys[lookup.keyOf(row)] >> 1;
                    check(
                            number,
                            lookup.batch().column(0).getInt(row),
                            lookup.batch().column(1).variableBytes(row));
                }
                found += count;
            }
            return found;
        }

        @Override
        public void readAll() {
            try (Scan scan = engine.table("rows").orElseThrow().scan().open()) {
                while (scan.next()) {
                    // Each page was read for it.
                }
            }
        }

        @Override
        public long reads() {
            return engine.view().cache().misses();
        }

        @Override
        public void close() {
            lookup.close();
            engine.close();
        }
    }

    private static final class RocksRows implements Rows {
        private static final Path COUNTS = Path.of("/proc/self/io");

        private final Options options;
        private final RocksDB database;
        private final ReadOptions reading = new ReadOptions().setAsyncIo(true);
        private final byte[] key = new byte[Long.BYTES];
        private final byte[] value = new byte[Integer.BYTES + TEXT_BYTES];

        RocksRows(Path path, long cacheBytes) throws RocksDBException {
            this.options = options(cacheBytes);
            this.database = RocksDB.open(options, path.toString());
        }

        @Override
        public String name() {
            return "RocksDB";
        }

        @Override
        public int lookUp(long[] keys) throws RocksDBException {
            if (keys.length == 1) {
                ByteBuffer.wrap(key).putLong(keys[0]);
                int bytes = database.get(reading, key, value);
                if (bytes == RocksDB.NOT_FOUND) {
                    return 0;
                }
                check(keys[0] >> 1, ByteBuffer.wrap(value).getInt(), bytes - Integer.BYTES);
                return 1;
            }
            int found = 0;
            List<byte[]> values = database.multiGetAsList(
                    reading,
                    Arrays.stream(keys).mapToObj(LookUpFigures::rocksKey).toList());
            for (int i = 0; i < keys.length; i++) {
                byte[] each = values.get(i);
                if (each != null) {
                    check(keys[i] >> 1, ByteBuffer.wrap(each).getInt(), each.length - Integer.BYTES);
                    found++;
                }
            }
            return found;
        }

        @Override
        public void readAll() {
            try (RocksIterator all = database.newIterator()) { // Which puts blocks into the cache.
                for (all.seekToFirst(); all.isValid(); all.next()) {
                    // Likewise.
                }
            }
        }

        /** System calls that read; what else the process reads is little. */
        @Override
        public long reads() throws IOException {
            for (String line : Files.readAllLines(COUNTS, StandardCharsets.US_ASCII)) {
                if (line.startsWith("syscr:")) {
                    return Long.parseLong(line.substring("syscr:".length()).strip());
                }
            }
            throw new IOException(COUNTS + " has no line for reads");
        }

        @Override
        public void close() {
            reading.close();
            database.close();
            options.close();
        }
    }

    private static void check(long row, int number, int textBytes) {
        if (number != (int) row || textBytes != TEXT_BYTES) {
            throw new IllegalStateException(
                    "row " + row + " has number " + number + " and a text of " + textBytes + " bytes");
        }
    }

    private void ask(Rows store, long cacheBytes) throws IOException, RocksDBException {
        if (cacheBytes == LARGE_CACHE_BYTES) {
            store.readAll();
        }
        for (int together : TOGETHER) {
            for (int odd = 0; odd <= 1; odd++) {
                var random = new SplittableRandom(together);
                ask(store, random, together, odd); // Compiles, and fills the cache.
                Cost cost = ask(store, random, together, odd);
                System.out.printf(
                        Locale.ROOT,
                        "| %s | %,d MiB | %d | %s | %,.0f | %.1f | %.1f | %.2f | %.3f | %.0f |%n",
                        odd == 0 ? "there" : "not there",
                        cacheBytes / MIB,
                        together,
                        store.name(),
                        cost.keys() * 1e9 / cost.nanos(),
                        cost.calls().getValueAtPercentile(50) / 1e3,
                        cost.calls().getValueAtPercentile(99) / 1e3,
                        cost.cpuNanos() / 1e3 / cost.keys(),
                        (double) cost.reads() / cost.keys(),
                        (double) cost.heapBytes() / cost.keys());
            }
        }
    }

    /** What look-ups took, all of them. */
    private record Cost(Histogram calls, long keys, long nanos, long cpuNanos, long reads, long heapBytes) {}

    private Cost ask(Rows store, SplittableRandom random, int together, int odd) throws IOException, RocksDBException {
        Histogram calls = new Histogram(TimeUnit.SECONDS.toNanos(10), 3);
        long[] keys = new long[together];
        long reads = store.reads();
        long cpu = THREADS.getCurrentThreadCpuTime();
        long heap = THREADS.getCurrentThreadAllocatedBytes();
        long start = System.nanoTime();
        long end = start;
        while (end - start < nanos) {
            for (int i = 0; i < together; i++) {
                keys[i] = key(random.nextLong(rows)) + odd;
            }
            long begin = System.nanoTime();
            int found = store.lookUp(keys);
            end = System.nanoTime();
            calls.recordValue(end - begin);
            if (found != (odd == 0 ? together : 0)) {
                throw new IllegalStateException(found + " of " + together + " keys were found in " + store.name());
            }
        }
        return new Cost(
                calls,
                calls.getTotalCount() * together,
                end - start,
                THREADS.getCurrentThreadCpuTime() - cpu,
                store.reads() - reads,
                THREADS.getCurrentThreadAllocatedBytes() - heap);
    }
}
