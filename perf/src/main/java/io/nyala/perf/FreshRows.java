package io.nyala.perf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import com.sun.management.ThreadMXBean;
import io.nyala.io.HugePageSource;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.Slab;
import io.nyala.memory.Zeros;
import io.nyala.memrowset.Lookahead;
import io.nyala.memrowset.MemRowSet;
import io.nyala.perf.FreshRows.SortedRows.Keys;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Effect;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Rows in memory, the structure alone: a MemRowSet beside the JDK's skip list, H2's B-tree and RocksDB's MemTable, each
 * filled by one thread, then {@value #LOOK_UPS} keys looked up from anywhere, and all scanned in order. One after the
 * other in each round; medians of the rounds. A round of {@value #WARM_UP_ROWS} rows goes before.
 *
 * <pre>{@code
 * perf/run fresh [DIRECTORY [ROWS [TIMES [ASCENDING | RANDOM | STRINGS]]]]
 * }</pre>
 *
 * Then the price of a reader: a writer's speed while another thread scans the same MemRowSet, as a part of its speed
 * while that thread scans another one.
 */
final class FreshRows {
    private static final long ROWS = 10_000_000;
    private static final int TIMES = 3;
    private static final int SCANS = 3;
    private static final long LOOK_UPS = 2_000_000;

    /** In a round before the first that counts: the compiler works for some seconds. */
    private static final long WARM_UP_ROWS = 1_000_000;

    private static final long MEMORY_BYTES = 4L << 30;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Prime to any number of rows that people ask for: visits all keys, none near the one before. */
    private static final long STRIDE = 7_368_787;

    private final MemoryBudget budget;
    private final Path directory;
    private final long rows;
    private final int times;
    private final Keys[] keysOfAll;

    private FreshRows(MemoryBudget budget, Path directory, long rows, int times, @Nullable Keys only) {
        this.keysOfAll = only == null ? Keys.values() : new Keys[] {only};
        this.budget = budget;
        this.directory = directory;
        this.rows = rows;
        this.times = times;
    }

    public static void main(String[] arguments) throws InterruptedException {
        Path directory = arguments.length > 0 ? Path.of(arguments[0]) : LineItems.temporary();
        long rows = arguments.length > 1 ? Long.parseLong(arguments[1]) : ROWS;
        int times = arguments.length > 2 ? Integer.parseInt(arguments[2]) : TIMES;
        Keys only = arguments.length > 3 ? Keys.valueOf(arguments[3]) : null;
        try (MemoryBudget budget = MemoryBudget.open(HugePageSource.orJdk(), MEMORY_BYTES)) {
            budget.populate(); // As in a process that runs for long: a first touch costs more than a row.
            FreshRows fresh = new FreshRows(budget, directory, rows, times, only);
            fresh.compare();
            fresh.readBeside();
        }
    }

    private void compare() {
        System.out.printf(
                Locale.ROOT,
                "%,d rows of a key and 8 bytes; million rows per second, medians of %d; heap bytes per row"
                        + " inserted%n%n",
                rows,
                times);
        System.out.println("| keys | rows in | insert | look up | scan in order | overhead, B/row | heap, B/row |");
        System.out.println("|---|---|---|---|---|---|---|");
        for (Keys keys : keysOfAll) {
            Map<String, Samples> samples = new LinkedHashMap<>();
            for (int round = -1; round < times; round++) {
                for (Supplier<SortedRows> candidate : candidates(keys)) {
                    try (SortedRows target = candidate.get()) {
                        if (round < 0) {
                            measure(target, keys, Math.min(rows, WARM_UP_ROWS), new Samples(1), 0);
                        } else {
                            Samples all = samples.computeIfAbsent(target.name(), _ -> new Samples(times));
                            measure(target, keys, rows, all, round);
                        }
                    }
                    System.gc(); // What one leaves behind is not the next one's to collect.
                }
            }
            samples.forEach((name, sample) -> System.out.println("| " + keys.title + " | " + name + sample.cells()));
        }
    }

    private List<Supplier<SortedRows>> candidates(Keys keys) {
        return List.of(
                () -> new OfMemRowSet(budget, keys),
                SortedPeers::skipList,
                SortedPeers::mvStore,
                () -> SortedPeers.rocksDb(directory));
    }

    private static void measure(SortedRows candidate, Keys keys, long rows, Samples samples, int round) {
        long allocated = THREADS.getCurrentThreadAllocatedBytes();
        long start = System.nanoTime();
        candidate.insert(keys, 0, rows);
        samples.insert[round] = millionsPerSecond(rows, start);
        samples.heapBytes[round] = (double) (THREADS.getCurrentThreadAllocatedBytes() - allocated) / rows;
        samples.overhead[round] = candidate.overheadBytes(keys, rows);

        start = System.nanoTime();
        long found = 0;
        long number = 0;
        long lookUps = Math.min(rows, LOOK_UPS);
        for (long i = 0; i < lookUps; i++) {
            number = (number + STRIDE) % rows;
            found += candidate.contains(keys, number) ? 1 : 0;
        }
        check(candidate, "found", found, lookUps);
        samples.find[round] = millionsPerSecond(lookUps, start);

        start = System.nanoTime();
        for (int i = 0; i < SCANS; i++) {
            check(candidate, "scanned", candidate.scan(), rows);
        }
        samples.scan[round] = millionsPerSecond(SCANS * rows, start);
    }

    private static void check(SortedRows candidate, String what, long count, long expected) {
        if (count != expected) {
            throw new IllegalStateException(candidate.name() + " " + what + " " + count + " rows of " + expected);
        }
    }

    private static double millionsPerSecond(long count, long start) {
        return count * 1e3 / (System.nanoTime() - start);
    }

    /** The writer beside a reader of its own rows and beside one of others, in turn. */
    private void readBeside() throws InterruptedException {
        System.out.println();
        System.out.println("| a MemRowSet's writer beside a thread that scans | million rows per second |");
        System.out.println("|---|---|");
        for (Keys keys : keysOfAll) {
            double[] own = new double[times];
            double[] other = new double[times];
            for (int round = 0; round < times; round++) {
                own[round] = writeBeside(keys, true);
                other[round] = writeBeside(keys, false);
            }
            System.out.printf(Locale.ROOT, "| %s: other rows | %.2f |%n", keys.title, median(other));
            System.out.printf(
                    Locale.ROOT,
                    "| %s: the same rows | %.2f (%.2f of it) |%n",
                    keys.title,
                    median(own),
                    median(own) / median(other));
        }
    }

    private double writeBeside(Keys keys, boolean isOwn) throws InterruptedException {
        long half = rows / 2;
        try (OfMemRowSet written = new OfMemRowSet(budget, keys);
                OfMemRowSet other = new OfMemRowSet(budget, keys)) {
            written.insert(keys, 0, half);
            other.insert(keys, 0, half);
            CountDownLatch started = new CountDownLatch(1);
            Thread reader = Thread.ofPlatform().start(() -> {
                OfMemRowSet read = isOwn ? written : other;
                started.countDown();
                while (!Thread.currentThread().isInterrupted()) {
                    read.scan();
                }
            });
            started.await();
            long start = System.nanoTime();
            written.insert(keys, half, rows);
            double speed = millionsPerSecond(rows - half, start);
            reader.interrupt();
            reader.join();
            return speed;
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /** Figures of one structure, by round. */
    private static final class Samples {
        private final double[] insert;
        private final double[] find;
        private final double[] scan;
        private final double[] overhead;
        private final double[] heapBytes;

        Samples(int times) {
            insert = new double[times];
            find = new double[times];
            scan = new double[times];
            overhead = new double[times];
            heapBytes = new double[times];
        }

        String cells() {
            double bytes = median(overhead);
            return String.format(
                    Locale.ROOT,
                    " | %.2f | %.2f | %.1f | %s | %.2f |",
                    median(insert),
                    median(find),
                    median(scan),
                    bytes < 0 ? "-" : String.format(Locale.ROOT, "%.1f", bytes),
                    median(heapBytes));
        }
    }

    /** Our own: a MemRowSet, filled as a tablet's writer does, which looks for each key, some of them together. */
    private static final class OfMemRowSet implements SortedRows {
        /** Of each of those that are applied together. */
        private static final int EFFECT_BYTES = 256;

        private static final int BATCH_ROWS = 1_000;
        private static final int TEXT_BYTES = Keys.STRINGS.bytes;
        private static final ValueLayout.OfLong BIG_ENDIAN =
                ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

        private final Schema schema;
        private final RowLayout layout;
        private final boolean isText;
        private final MemoryAccount account;
        private final MemorySegment memory;
        private final Slab slab;
        private final Lookahead ahead = new Lookahead();
        private final long effects;
        private final int keyBytes;
        private final byte[] text = new byte[TEXT_BYTES];
        private final MemRowSet rows;
        private int effectBytes;

        OfMemRowSet(MemoryBudget budget, Keys keys) {
            isText = keys == Keys.STRINGS;
            schema = Schema.of(
                    Column.key("id", isText ? ColumnType.STRING : ColumnType.INT64),
                    Column.of("value", ColumnType.INT64));
            layout = new RowLayout(schema);
            account = budget.account("rows", 0);
            memory = budget.memory();
            slab = account.take(EFFECT_BYTES * Lookahead.KEYS_MAX);
            effects = slab.offset();
            keyBytes = keys.bytes;
            rows = new MemRowSet(1, schema, account);
            for (int i = 0; i < Lookahead.KEYS_MAX; i++) {
                effectBytes = prepareEffect(effects + (long) i * EFFECT_BYTES);
            }
        }

        /** What is the same in all effects; answers its bytes. */
        private int prepareEffect(long effect) {
            int rowBytes = layout.fixedBytes() + (isText ? TEXT_BYTES : 0);
            Zeros.fill(memory, effect, EFFECT_BYTES);
            LittleEndian.setByte(memory, effect, Effect.INSERT);
            LittleEndian.setShort(memory, effect + 2, keyBytes);
            LittleEndian.setInt(memory, effect + 4, rowBytes);
            if (isText) {
                layout.setVariable(memory, rowOf(effect), 0, layout.fixedBytes(), TEXT_BYTES);
            }
            int bytes = Effect.bytes(memory, effect);
            Check.inRange("bytes of an effect", bytes, 1, EFFECT_BYTES);
            return bytes;
        }

        private long rowOf(long effect) {
            return Effect.keyOffset(effect) + keyBytes;
        }

        @Override
        public String name() {
            return "MemRowSet";
        }

        @Override
        public void insert(Keys keys, long first, long last) {
            for (long at = first; at < last; at += BATCH_ROWS) {
                long end = Math.min(last, at + BATCH_ROWS);
                if (!rows.reserve((end - at) * effectBytes, end - at, effectBytes)) {
                    throw new IllegalStateException("no memory for more rows than " + at);
                }
                for (long i = at; i < end; i += Lookahead.KEYS_MAX) {
                    insertTogether(keys, i, (int) Math.min(Lookahead.KEYS_MAX, end - i));
                }
                rows.batchEnds();
            }
        }

        private void insertTogether(Keys keys, long first, int count) {
            ahead.begin(memory);
            for (int i = 0; i < count; i++) {
                long effect = effects + (long) i * EFFECT_BYTES;
                putKey(keys, first + i, Effect.keyOffset(effect));
                putRow(keys, first + i, rowOf(effect));
                ahead.add(Effect.keyOffset(effect), keyBytes);
            }
            ahead.run(rows);
            for (int i = 0; i < count; i++) {
                if (ahead.find(i) != 0) {
                    throw new IllegalStateException("row " + (first + i) + " is there already");
                }
                rows.apply(memory, effects + (long) i * EFFECT_BYTES, 1);
            }
        }

        private void putKey(Keys keys, long index, long key) {
            if (isText) {
                keys.writeText(index, text);
                MemorySegment.copy(text, 0, memory, JAVA_BYTE, key, TEXT_BYTES);
            } else {
                memory.set(BIG_ENDIAN, key, keys.number(index) ^ Long.MIN_VALUE);
            }
        }

        private void putRow(Keys keys, long index, long row) {
            if (isText) {
                MemorySegment.copy(memory, row - keyBytes, memory, row + layout.fixedBytes(), TEXT_BYTES);
            } else {
                memory.set(LittleEndian.LONG, row + layout.cellOffset(0), keys.number(index));
            }
            memory.set(LittleEndian.LONG, row + layout.cellOffset(1), index);
        }

        @Override
        public boolean contains(Keys keys, long number) {
            long key = Effect.keyOffset(effects);
            putKey(keys, number, key);
            return rows.find(memory, key, keyBytes) != 0;
        }

        @Override
        public long scan() {
            return scan(rows);
        }

        /** May run on another thread than {@link #insert}. */
        private long scan(MemRowSet source) {
            long count = 0;
            try (RowCursor cursor = source.scan(ScanSpec.all(schema, 1), account);
                    ColumnBatch batch = new ColumnBatch(schema.columns(), false, account)) {
                while (cursor.next(batch)) {
                    count += batch.rowCount();
                }
            }
            return count;
        }

        @Override
        public double overheadBytes(Keys keys, long count) {
            return (double) rows.usedBytes() / count - keys.bytes - Long.BYTES;
        }

        @Override
        public void close() {
            rows.close();
            account.giveBack(slab);
            account.close();
        }
    }

    /**
     * Rows in the order of their keys, in memory: what is measured, and its peers. Keys are numbered; how
     * number {@code i} looks is up to {@link Keys}. A row has a value of 8 bytes. One thread, but for {@link #scan}.
     */
    interface SortedRows extends AutoCloseable {
        String name();

        /** Adds the rows of the keys numbered {@code first} to {@code last - 1}; they are not there yet. */
        void insert(Keys keys, long first, long last);

        /** Whether the row of a key is there. */
        boolean contains(Keys keys, long number);

        /** Reads all rows in order; answers how many there are. */
        long scan();

        /** Bytes of memory per row beyond those of its key and value, or -1 where nobody counts. */
        double overheadBytes(Keys keys, long rows);

        @Override
        void close();

        /** How keys look and in which order they come. */
        enum Keys {
            ASCENDING("8 bytes, ascending", Long.BYTES),
            RANDOM("8 bytes, random", Long.BYTES),
            STRINGS("strings of 32 bytes, random", 32);

            private static final long SCRAMBLE = 0x9E37_79B9_7F4A_7C15L; // Odd, so that it permutes the numbers.
            private static final byte[] DIGITS = {
                '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'
            };

            final String title;
            final int bytes;

            Keys(String title, int bytes) {
                this.title = title;
                this.bytes = bytes;
            }

            /** The key with this number, as a number; of a string what its digits are made of. */
            long number(long index) {
                if (this == ASCENDING) {
                    return index;
                }
                long mixed = index * SCRAMBLE;
                return mixed ^ (mixed >>> 32); // Without it, neighbours would be a constant apart.
            }

            /** The key with this number as 32 digits. */
            void writeText(long index, byte[] target) {
                long number = number(index);
                for (int i = 0; i < Long.SIZE / 4; i++) {
                    byte digit = DIGITS[(int) (number >>> (Long.SIZE - 4 - 4 * i)) & 15];
                    target[i] = digit;
                    target[bytes - 1 - i] = digit;
                }
            }
        }
    }
}
