package io.nyala.perf;

import com.sun.management.ThreadMXBean;
import io.nyala.io.HugePageSource;
import io.nyala.memory.MemoryBudget;
import io.nyala.perf.FreshRows.SortedRows.Keys;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;

/**
 * Rows in memory, the structure alone: a MemRowSet beside the JDK's skip list, H2's B-tree and RocksDB's MemTable, each
 * filled by one thread, all keys looked up in another order, and scanned in order. One after the other in each round;
 * medians of the rounds.
 *
 * <pre>{@code
 * perf/run fresh [DIRECTORY [ROWS [TIMES]]]
 * }</pre>
 *
 * Then the price of a reader: a writer's speed while another thread scans the same MemRowSet, as a part of its speed
 * while that thread scans another one.
 */
final class FreshRows {
    private static final long ROWS = 10_000_000;
    private static final int TIMES = 3;
    private static final int SCANS = 3;
    private static final long MEMORY_BYTES = 6L << 30;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Prime to any number of rows that people ask for: visits all keys, none near the one before. */
    private static final long STRIDE = 7_368_787;

    private final MemoryBudget budget;
    private final Path directory;
    private final long rows;
    private final int times;

    private FreshRows(MemoryBudget budget, Path directory, long rows, int times) {
        this.budget = budget;
        this.directory = directory;
        this.rows = rows;
        this.times = times;
    }

    public static void main(String[] arguments) throws InterruptedException {
        Path directory = arguments.length > 0 ? Path.of(arguments[0]) : LineItems.temporary();
        long rows = arguments.length > 1 ? Long.parseLong(arguments[1]) : ROWS;
        int times = arguments.length > 2 ? Integer.parseInt(arguments[2]) : TIMES;
        try (MemoryBudget budget = MemoryBudget.open(HugePageSource.orJdk(), MEMORY_BYTES)) {
            FreshRows fresh = new FreshRows(budget, directory, rows, times);
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
        for (Keys keys : Keys.values()) {
            Map<String, Samples> samples = new LinkedHashMap<>();
            for (int round = 0; round < times; round++) {
                for (Supplier<SortedRows> candidate : candidates(keys)) {
                    try (SortedRows candidateRows = candidate.get()) {
                        measure(
                                candidateRows,
                                keys,
                                samples.computeIfAbsent(candidateRows.name(), _ -> new Samples(times)),
                                round);
                    }
                    System.gc(); // What one leaves behind is not the next one's to collect.
                }
            }
            samples.forEach((name, sample) -> System.out.println("| " + keys.title + " | " + name + sample.cells()));
        }
    }

    private List<Supplier<SortedRows>> candidates(Keys keys) {
        return List.of(
                () -> new FreshMemRowSet(budget, keys),
                SortedPeers::skipList,
                SortedPeers::mvStore,
                () -> SortedPeers.rocksDb(directory));
    }

    private void measure(SortedRows candidate, Keys keys, Samples samples, int round) {
        long allocated = THREADS.getCurrentThreadAllocatedBytes();
        long start = System.nanoTime();
        candidate.insert(keys, 0, rows);
        samples.insert[round] = millionsPerSecond(rows, start);
        samples.heapBytes[round] = (double) (THREADS.getCurrentThreadAllocatedBytes() - allocated) / rows;
        samples.overhead[round] = candidate.overheadBytes(keys, rows);

        start = System.nanoTime();
        long found = 0;
        long number = 0;
        for (long i = 0; i < rows; i++) {
            number = (number + STRIDE) % rows;
            found += candidate.contains(keys, number) ? 1 : 0;
        }
        check(candidate, "found", found);
        samples.find[round] = millionsPerSecond(rows, start);

        start = System.nanoTime();
        for (int i = 0; i < SCANS; i++) {
            check(candidate, "scanned", candidate.scan());
        }
        samples.scan[round] = millionsPerSecond(SCANS * rows, start);
    }

    private void check(SortedRows candidate, String what, long count) {
        if (count != rows) {
            throw new IllegalStateException(candidate.name() + " " + what + " " + count + " rows of " + rows);
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
        for (Keys keys : Keys.values()) {
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
        try (FreshMemRowSet written = new FreshMemRowSet(budget, keys);
                FreshMemRowSet other = new FreshMemRowSet(budget, keys)) {
            written.insert(keys, 0, half);
            other.insert(keys, 0, half);
            CountDownLatch started = new CountDownLatch(1);
            Thread reader = Thread.ofPlatform().start(() -> {
                FreshMemRowSet read = isOwn ? written : other;
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
