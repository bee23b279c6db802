package io.nyala.perf;

import io.nyala.cfile.CFileReader;
import io.nyala.cfile.CFileWriter;
import io.nyala.cfile.CellKind;
import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.ColumnSpec;
import io.nyala.cfile.ColumnWriter;
import io.nyala.cfile.CompressionHint;
import io.nyala.cfile.PageCache;
import io.nyala.cfile.ReadAhead;
import io.nyala.encoding.DecoderScratch;
import io.nyala.io.Access;
import io.nyala.io.Completions;
import io.nyala.io.Disk;
import io.nyala.io.DiskFile;
import io.nyala.io.Disks;
import io.nyala.io.HugePageSource;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.memory.Crc32c;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.Slab;
import io.nyala.perf.DeviceSideBySide.Contender.Job;
import io.nyala.perf.DeviceSideBySide.Contender.Job.Kind;
import io.nyala.wal.Durability;
import io.nyala.wal.RecordStreams;
import io.nyala.wal.Recovery;
import io.nyala.wal.StreamNeeds;
import io.nyala.wal.WalConfig;
import io.nyala.wal.WriteAheadLog;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/**
 * How fast what is on disk comes back when nothing of it is in memory: a scan of some columns of a file, beside reads
 * of the same file by the same disk that do nothing else, in turn; and the log of many tablets when it is opened again,
 * with all of it needed and with hardly any. Pages are checked and decoded.
 *
 * <pre>{@code
 * perf/run cold DIRECTORY [MIB [TIMES]]
 * }</pre>
 *
 * The directory must be on a disk with O_DIRECT, or the system's cache has it all. Medians (lowest - highest) of all
 * times. What is written is removed afterwards.
 */
final class ColdReads {
    private static final int DEFAULT_MIB = 512;
    private static final int DEFAULT_TIMES = 5;
    private static final long MIB = 1L << 20;
    private static final long CACHE_BYTES = 16 * MIB;
    private static final int COLUMNS = 8;
    private static final int[] SCANNED = {1, 2, 4, 8};
    private static final int[] DEPTHS = {4, 8};
    private static final int WARM_UPS =
            4; // Before them pages are checked and decoded by code that is not compiled yet.
    private static final int DECODED_BYTES = 64 << 10; // More than a vector.
    private static final int UNIT_BYTES = 256 << 10;
    private static final long DEVICE_NANOS = TimeUnit.MILLISECONDS.toNanos(400);
    private static final int TABLETS = 10_000;
    private static final int RECORD_BYTES = 4_000;
    private static final long LOG_ID = 1;

    private final Path directory;
    private final int times;
    private final long deviceNanos;
    private final MemoryBudget budget;
    private final MemoryAccount account;
    private long checksums; // Of all units, once they were read.

    private ColdReads(Path directory, int times, long deviceNanos, MemoryBudget budget, MemoryAccount account) {
        this.directory = directory;
        this.times = times;
        this.deviceNanos = deviceNanos;
        this.budget = budget;
        this.account = account;
    }

    static void main(String[] arguments) throws IOException {
        if (arguments.length == 0) {
            throw new IllegalArgumentException("cold DIRECTORY [MIB [TIMES]]: name a directory on the disk");
        }
        int mib = arguments.length > 1 ? Integer.parseInt(arguments[1]) : DEFAULT_MIB;
        int times = arguments.length > 2 ? Integer.parseInt(arguments[2]) : DEFAULT_TIMES;
        print(Path.of(arguments[0]), mib, times, DEVICE_NANOS);
    }

    /** Prints two tables. */
    static void print(Path below, int mib, int times, long deviceNanos) throws IOException {
        Files.createDirectories(below);
        Path directory = Files.createTempDirectory(below, "cold");
        try (MemoryBudget budget = MemoryBudget.open(HugePageSource.orJdk(), (mib + 192) * MIB);
                MemoryAccount account = budget.account("cold reads", 0)) {
            var reads = new ColdReads(directory, times, deviceNanos, budget, account);
            reads.printScans(mib);
            System.out.println();
            reads.printReplays(mib);
        } finally {
            LineItems.delete(directory);
        }
    }

    private void printScans(int mib) throws IOException {
        Path path = directory.resolve("columns");
        Map<String, List<Double>> perSecond = new LinkedHashMap<>();
        try (Disk disk = Disks.best();
                IoPool io = new IoPool(disk, 2, 64);
                DiskContender device = new DiskContender("best")) {
            write(disk, io, path, mib * MIB / COLUMNS / Long.BYTES);
            for (int time = -WARM_UPS; time < times; time++) {
                for (int depth : DEPTHS) {
                    Job job = new Job(Kind.READ, false, UNIT_BYTES, depth);
                    double bytes = device.run(job, true, path, deviceNanos).perSecond() * UNIT_BYTES;
                    add(perSecond, "the disk: " + job, bytes, time);
                }
                double looked = readAndLook(disk, path);
                add(perSecond, "the same, once through the file, each byte looked at", looked, time);
                for (int columns : SCANNED) {
                    double bytes = scan(disk, io, path, columns);
                    add(perSecond, "scan of " + columns + (columns == 1 ? " column" : " columns"), bytes, time);
                }
            }
            System.out.println("| " + disk.description() + " | GB/s | of the disk |");
        }
        System.out.println("|---|---|---|");
        double disk = median(
                perSecond.values().stream().skip(DEPTHS.length - 1L).findFirst().orElseThrow());
        perSecond.forEach((name, all) ->
                System.out.printf(Locale.ROOT, "| %s | %s | %.2f |%n", name, figure(all, 1e9), median(all) / disk));
    }

    /**
     * Bytes per second, once through the file, of reads whose memory is read, too, as any scan has to: by a checksum,
     * and nothing else is done.
     */
    private double readAndLook(Disk disk, Path path) {
        int depth = DEPTHS[DEPTHS.length - 1];
        Slab memory = account.take((depth + 1L) * UNIT_BYTES);
        Deque<Integer> done = new ArrayDeque<>();
        Completions completions = (slot, _, failure) -> {
            if (failure != null) {
                throw failure;
            }
            done.add((int) slot);
        };
        long sum = 0;
        long units;
        long start = System.nanoTime();
        try (DiskFile file = disk.open(path, Access.READ);
                IoQueue queue = disk.newQueue(depth)) {
            units = file.bytes() / UNIT_BYTES;
            int spare = depth;
            for (long unit = 0; unit < units + depth; unit++) {
                int slot = unit < depth ? (int) unit : spare;
                if (unit >= depth) {
                    spare = next(queue, completions, done);
                }
                if (unit < units) {
                    queue.read(file, unit * UNIT_BYTES, memory.segment(), (long) slot * UNIT_BYTES, UNIT_BYTES, slot);
                    queue.poll(completions);
                }
                if (unit >= depth) {
                    sum += Crc32c.of(memory.segment(), (long) spare * UNIT_BYTES, UNIT_BYTES);
                }
            }
        }
        double perSecond = units * UNIT_BYTES * 1e9 / (System.nanoTime() - start);
        account.giveBack(memory);
        if (checksums != 0 && sum != checksums) {
            throw new IllegalStateException("checksums of " + path + " add up to " + sum + ", before to " + checksums);
        }
        checksums = sum;
        return perSecond;
    }

    private static int next(IoQueue queue, Completions completions, Deque<Integer> done) {
        while (done.isEmpty()) {
            if (queue.poll(completions) == 0) {
                queue.await(Long.MAX_VALUE);
            }
        }
        return done.remove();
    }

    private void write(Disk disk, IoPool io, Path path, long rows) {
        var random = new SplittableRandom(1);
        MemorySegment cell = MemorySegment.ofArray(new long[1]);
        try (CFileWriter writer = new CFileWriter(account)) {
            for (int i = 0; i < COLUMNS; i++) {
                ColumnWriter column = writer.addColumn(
                        ColumnSpec.of(i, "c" + i, CellKind.INT64).withCompression(CompressionHint.NONE));
                for (long row = 0; row < rows; row++) {
                    cell.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, random.nextLong());
                    column.append(cell, 0, Long.BYTES);
                }
            }
            IoQueue queue = io.borrow();
            writer.finish(new CFileWriter.Destination(disk, path, 1, 1), new byte[0], queue);
            io.giveBack(queue);
        }
    }

    /** Bytes per second of the columns, as they are in the file. */
    private double scan(Disk disk, IoPool io, Path path, int columns) {
        List<ColumnCursor> cursors = new ArrayList<>();
        long bytes = 0;
        Slab decoded = account.take(DECODED_BYTES);
        long start = System.nanoTime();
        try (PageCache cache = new PageCache(account, io, CACHE_BYTES);
                CFileReader reader = CFileReader.open(new CFileReader.Source(disk, path, 1, 1), cache, account);
                DecoderScratch scratch = new DecoderScratch(account);
                ReadAhead ahead = reader.readAhead(account)) {
            for (int i = 0; i < columns; i++) {
                cursors.add(reader.column(i).cursor(scratch, ahead, null));
                bytes += reader.column(i).bytes();
            }
            for (int vector = 0; vector < reader.vectorCount(); vector++) {
                for (ColumnCursor cursor : cursors) {
                    cursor.seek(vector);
                    cursor.readFixed(decoded.segment(), 0);
                }
            }
            cursors.forEach(ColumnCursor::close);
        }
        account.giveBack(decoded);
        return bytes * 1e9 / (System.nanoTime() - start);
    }

    private void printReplays(int mib) throws IOException {
        System.out.printf(
                Locale.ROOT, "| log of %,d tablets, MiB | records | read in ms, all needed | MB/s |", TABLETS);
        System.out.println(" the first and the last tablet needed |");
        System.out.println("|---|---|---|---|---|");
        for (int part = 16; part > 0; part /= 4) {
            printReplay(Math.max(1, mib / part));
        }
    }

    private void printReplay(int mib) throws IOException {
        Path place = Files.createDirectory(directory.resolve("log" + mib));
        WalConfig config = WalConfig.in(place);
        List<Double> all = new ArrayList<>();
        List<Double> some = new ArrayList<>();
        long[] found = {0};
        try (Disk disk = Disks.best();
                MemoryAccount log = budget.account("log", config.memoryBytes())) {
            fill(disk, config, log, mib * MIB / RECORD_BYTES);
            for (int time = -1; time < times; time++) {
                found[0] = 0;
                long start = System.nanoTime();
                open(disk, config, log).forEachKept((_, _, _, _) -> found[0]++);
                if (time >= 0) {
                    all.add((System.nanoTime() - start) / 1e6);
                }
                start = System.nanoTime();
                long[] needed = {0};
                open(disk, config, log).forEach((_, _, _, _) -> needed[0]++);
                if (time >= 0) {
                    some.add((System.nanoTime() - start) / 1e6);
                }
            }
        }
        double perSecond = found[0] * (double) RECORD_BYTES / median(all) / 1e3;
        System.out.printf(
                Locale.ROOT,
                "| %d | %,d | %s | %,.0f | %s |%n",
                mib,
                found[0],
                figure(all, 1),
                perSecond,
                figure(some, 1));
        LineItems.delete(place);
    }

    private static Recovery open(Disk disk, WalConfig config, MemoryAccount account) {
        return WriteAheadLog.open(config, disk, account, LOG_ID, streams());
    }

    private static RecordStreams streams() {
        return (memory, payload, _) -> memory.get(ValueLayout.JAVA_INT_UNALIGNED, payload);
    }

    /** One tablet's records after the other's; then only those of the first and the last are told to be needed. */
    private static void fill(Disk disk, WalConfig config, MemoryAccount account, long records) {
        try (WriteAheadLog log = open(disk, config, account)
                .start(0, () -> TimeUnit.MILLISECONDS.toMicros(System.currentTimeMillis()))) {
            for (long record = 0; record < records; ) {
                long offset = log.reserve(RECORD_BYTES);
                if (offset == 0) {
                    log.agent().doWork();
                    continue;
                }
                log.memory().set(ValueLayout.JAVA_INT_UNALIGNED, offset, (int) (record * TABLETS / records));
                log.publish(RECORD_BYTES, Durability.SYNC);
                record++;
            }
            long last = log.lastSequence();
            while (log.durableUpTo() < last) {
                log.agent().doWork();
            }
            log.release(
                    new StreamNeeds.Builder(last).add(0, 1).add(TABLETS - 1, 1).build());
            while (log.roll() == 0) { // Its START says so.
                log.agent().doWork();
            }
        }
    }

    private static void add(Map<String, List<Double>> figures, String name, double figure, int time) {
        List<Double> all = figures.computeIfAbsent(name, _ -> new ArrayList<>());
        if (time >= 0) {
            all.add(figure);
        }
    }

    private static String figure(List<Double> all, double unit) {
        double[] sorted = all.stream().mapToDouble(each -> each / unit).sorted().toArray();
        return String.format(
                Locale.ROOT, "%.2f (%.2f - %.2f)", sorted[sorted.length / 2], sorted[0], sorted[sorted.length - 1]);
    }

    private static double median(List<Double> all) {
        double[] sorted = all.stream().mapToDouble(each -> each).toArray();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
