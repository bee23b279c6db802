package io.nyala.columns;

import com.github.luben.zstd.Zstd;
import com.sun.management.ThreadMXBean;
import io.airlift.compress.v3.lz4.Lz4Compressor;
import io.airlift.compress.v3.lz4.Lz4Decompressor;
import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.io.IoPool;
import io.nyala.memory.Kernels;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Columns of several shapes as our writer of files makes pages of them, each vector in the encoding that it chooses,
 * beside LZ4 and ZSTD (level 3) on the plain values, 64 KiB at a time, Parquet with ZSTD as DuckDB writes and reads it,
 * and Arrow's files with LZ4 as its Java library does: how fast both ways, how much smaller, one thread.
 *
 * <pre>{@code
 * perf/run schemes [ROWS [TIMES]]
 * }</pre>
 *
 * Medians of all times, after as many that are not counted. Then files of strings with a trained dictionary, and what
 * as many rows of Kudu's load generator take.
 */
public final class SchemeFigures {
    private static final int DEFAULT_ROWS = 256 << 10;
    private static final int DEFAULT_TIMES = 9;
    private static final int BLOCK_BYTES = 64 << 10;
    private static final int ZSTD_LEVEL = 3;
    private static final long MEMORY_BYTES = 128 << 20;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final int times;
    private final Disk disk;
    private final IoPool io;
    private final MemoryAccount account;

    private SchemeFigures(int times, Disk disk, IoPool io, MemoryAccount account) {
        this.times = times;
        this.disk = disk;
        this.io = io;
        this.account = account;
    }

    /** Median nanoseconds of a pass over all values, and what it allocates on the heap. */
    private record Pass(double nanos, long heapBytes) {}

    /** Both ways, and the bytes between. */
    private record Figure(Pass packing, Pass unpacking, long bytes) {}

    public static void main(String[] arguments) throws IOException {
        int rows = arguments.length > 0 ? Integer.parseInt(arguments[0]) : DEFAULT_ROWS;
        print(rows, arguments.length > 1 ? Integer.parseInt(arguments[1]) : DEFAULT_TIMES);
    }

    /** Prints a table. */
    static void print(int rows, int times) throws IOException {
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), MEMORY_BYTES);
                MemoryAccount account = budget.account("schemes", 0);
                Disk disk = Disks.channel();
                IoPool io = new IoPool(disk, 2, 16);
                Arena samples = Arena.ofConfined()) {
            var figures = new SchemeFigures(times, disk, io, account);
            System.out.printf(
                    Locale.ROOT,
                    "%,d values of each; M values/s one way / the other, and the ratio. Kernels: %s.%n%n",
                    rows,
                    Kernels.best().name());
            if (!Kernels.best().name().startsWith("vector")) {
                System.out.println(
                        "**Not by vector kernels from the start, as with -Dnyala.kernels=vector, which perf/run"
                                + " gives. Do not publish.**\n");
            }
            System.out.println(
                    "| values | scheme | ours | from the file | heap B/vector | LZ4 | ZSTD | Parquet, ZSTD | Arrow,"
                            + " LZ4 |");
            System.out.println("|---|---|---|---|---|---|---|---|---|");
            List<ColumnSample> drawn = ColumnSample.draw(samples, rows);
            for (ColumnSample sample : drawn) {
                figures.print(sample);
            }
            DictionaryFigures.print(drawn, times);
        }
        RowSizes.print(rows);
    }

    private void print(ColumnSample sample) throws IOException {
        try (OurColumn column = new OurColumn(sample, disk, io, account);
                ParquetColumn parquet = new ParquetColumn(sample);
                ArrowColumn arrow = new ArrowColumn(sample)) {
            var ours = new Figure(pass(column::write), pass(column::read), column.bytes());
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %s | %s | %,.0f | %,.0f / %,.0f | %s | %s | %s | %s |%n",
                    sample.name(),
                    column.scheme(),
                    text(ours, sample),
                    speed(pass(column::readFile), sample),
                    (double) ours.packing().heapBytes() / column.vectorCount(),
                    (double) ours.unpacking().heapBytes() / column.vectorCount(),
                    text(compress(sample, new Lz4Block()), sample),
                    text(compress(sample, new ZstdBlock()), sample),
                    text(new Figure(pass(parquet::write), pass(parquet::read), parquet.bytes()), sample),
                    text(new Figure(pass(arrow::write), pass(arrow::read), arrow.bytes()), sample));
        }
    }

    private static String text(Figure figure, ColumnSample sample) {
        return String.format(
                Locale.ROOT,
                "%,.0f / %,.0f, %.2f",
                speed(figure.packing(), sample),
                speed(figure.unpacking(), sample),
                (double) sample.plainBytes() / figure.bytes());
    }

    /** Million values per second. */
    private static double speed(Pass pass, ColumnSample sample) {
        return sample.rows() / pass.nanos() * 1e3;
    }

    /** What a pass answers is what keeps it from being left out. */
    private Pass pass(LongSupplier pass) {
        double[] all = new double[times];
        long expected = pass.getAsLong();
        long heapBytes = 0;
        for (int i = -times; i < times; i++) {
            long heap = THREADS.getCurrentThreadAllocatedBytes();
            long start = System.nanoTime();
            long answer = pass.getAsLong();
            long nanos = System.nanoTime() - start;
            heapBytes = THREADS.getCurrentThreadAllocatedBytes() - heap; // Of the last: others warm up.
            if (answer != expected) {
                throw new IllegalStateException("a pass over the same values answers " + answer + ", not " + expected);
            }
            if (i >= 0) {
                all[i] = nanos;
            }
        }
        Arrays.sort(all);
        return new Pass(all[times / 2], heapBytes);
    }

    /** A general compressor of blocks; answers bytes. */
    private interface BlockCodec {
        int compress(MemorySegment source, MemorySegment target);

        int decompress(MemorySegment source, MemorySegment target);
    }

    private static final class Lz4Block implements BlockCodec {
        private final Lz4Compressor compressor = Lz4Compressor.create();
        private final Lz4Decompressor decompressor = Lz4Decompressor.create();

        @Override
        public int compress(MemorySegment source, MemorySegment target) {
            return compressor.compress(source, target);
        }

        @Override
        public int decompress(MemorySegment source, MemorySegment target) {
            return decompressor.decompress(source, target);
        }
    }

    private static final class ZstdBlock implements BlockCodec {
        @Override
        public int compress(MemorySegment source, MemorySegment target) {
            return Math.toIntExact(Zstd.compressUnsafe(
                    target.address(), target.byteSize(), source.address(), source.byteSize(), ZSTD_LEVEL));
        }

        @Override
        public int decompress(MemorySegment source, MemorySegment target) {
            return Math.toIntExact(
                    Zstd.decompressUnsafe(target.address(), target.byteSize(), source.address(), source.byteSize()));
        }
    }

    private Figure compress(ColumnSample sample, BlockCodec codec) {
        List<MemorySegment> blocks = sample.blocks(BLOCK_BYTES);
        int room = 2 * BLOCK_BYTES;
        MemorySegment[] packed = new MemorySegment[blocks.size()];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment target = arena.allocate((long) room * blocks.size(), Long.BYTES);
            MemorySegment restored = arena.allocate(BLOCK_BYTES, Long.BYTES);
            Pass packing = pass(() -> {
                long bytes = 0;
                for (int i = 0; i < packed.length; i++) {
                    MemorySegment slot = target.asSlice((long) i * room, room);
                    packed[i] = slot.asSlice(0, codec.compress(blocks.get(i), slot));
                    bytes += packed[i].byteSize();
                }
                return bytes;
            });
            Pass unpacking = pass(() -> {
                long bytes = 0;
                for (MemorySegment each : packed) {
                    bytes += codec.decompress(each, restored);
                }
                return bytes;
            });
            long bytes =
                    Arrays.stream(packed).mapToLong(MemorySegment::byteSize).sum();
            return new Figure(packing, unpacking, bytes);
        }
    }
}
