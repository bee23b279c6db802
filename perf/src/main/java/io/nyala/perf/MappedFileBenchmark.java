package io.nyala.perf;

import io.nyala.cfile.CFileReader;
import io.nyala.cfile.CFileWriter;
import io.nyala.cfile.CellKind;
import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.ColumnReader;
import io.nyala.cfile.ColumnSpec;
import io.nyala.cfile.ColumnWriter;
import io.nyala.cfile.CompressionHint;
import io.nyala.cfile.PageCache;
import io.nyala.cfile.Prefetch;
import io.nyala.cfile.ReadAhead;
import io.nyala.encoding.DecoderScratch;
import io.nyala.io.Disk;
import io.nyala.io.DiskFile;
import io.nyala.io.Disks;
import io.nyala.io.HugePageSource;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.io.MappedFile;
import io.nyala.memory.Crc32c;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The peer of {@code docs/decisions/0001}: pages of a file of random numbers through our page cache, read with O_DIRECT
 * where the disk has it, beside the same bytes of the same file through {@code mmap}. Pages are of some 57 KiB; each is
 * checked by its CRC-32C on both sides, and otherwise only touched. A score is microseconds per page.
 *
 * <ul>
 *   <li>{@code cold}: the file was written a moment before, past the page cache of the system, so nobody has it in
 *       memory. Only as far as the disk under {@code java.io.tmpdir} has O_DIRECT; the mapped figures are too good
 *       otherwise.
 *   <li>{@code hot}: all pages were read before. They fit into our cache, whose pages were checked when they were read:
 *       the mapped side checks them again, as it must, since the system may have dropped them in between.
 *   <li>{@code scan} reads neighbours in order, with our read-ahead or that of the system; {@code random} one page at a
 *       time, here and there; {@code randomTogether} those of 64 look-ups at a time, which a mapped file cannot.
 * </ul>
 *
 * No {@code madvise}: the JDK has none for it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@OperationsPerInvocation(MappedFileBenchmark.PAGES)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Dnyala.kernels=vector"})
@Warmup(iterations = 3)
@Measurement(iterations = 5)
public class MappedFileBenchmark {
    /** Pages that one shot reads: of half of the file, so that read-ahead on random reads is not worth it. */
    static final int PAGES = 1_024;

    private static final long FILE_ID = 1;
    private static final int IMAGE_UNIT_BYTES = 1 << 20;
    private static final int QUEUE_DEPTH = 64;
    private static final long SCRAMBLE = 0x9E37_79B1L; // Odd and not small, so that neighbours are far apart.

    @Param({"cold", "hot"})
    public String state = "cold";

    /** 8 bytes each: a file of 128 MiB. */
    @Param({"16777216"})
    public int rows = 1 << 24;

    private final Arena arena = Arena.ofShared();
    private final MemoryBudget budget = MemoryBudget.open(HugePageSource.orJdk(), 512L << 20);
    private final MemoryAccount account = budget.account("benchmark", 0);
    private final Disk disk = Disks.best();
    private final IoPool io = new IoPool(disk, 4, QUEUE_DEPTH);
    private final PageCache cache = new PageCache(account, io, 256L << 20);
    private final DecoderScratch scratch = new DecoderScratch(account);
    private @Nullable Path directory;
    private MemorySegment image = MemorySegment.NULL;
    private @Nullable CFileReader reader;
    private @Nullable MappedFile mapped;
    private long pageBytes;
    private int shots;

    @Setup(Level.Trial)
    public void write() throws IOException {
        directory = Files.createTempDirectory("nyala-mapped-");
        Path path = directory.resolve("image");
        try (CFileWriter writer = new CFileWriter(account)) {
            ColumnWriter column =
                    writer.addColumn(ColumnSpec.of(0, "c", CellKind.INT64).withCompression(CompressionHint.NONE));
            var random = new SplittableRandom(1);
            MemorySegment cell = MemorySegment.ofArray(new long[1]);
            for (int row = 0; row < rows; row++) {
                cell.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, random.nextLong());
                column.append(cell, 0, Long.BYTES);
            }
            IoQueue queue = io.borrow();
            writer.finish(new CFileWriter.Destination(disk, path, FILE_ID, 1), new byte[0], queue);
            io.giveBack(queue);
        }
        try (MappedFile file = MappedFile.toRead(path)) {
            image = arena.allocate(file.memory().byteSize(), Disk.ALIGNMENT_BYTES);
            image.copyFrom(file.memory());
        }
        disk.delete(path);
        if (state.equals("hot")) {
            open();
            readAll();
        }
    }

    @Setup(Level.Invocation)
    public void reopen() throws IOException {
        if (state.equals("cold")) {
            closeFile();
            open();
        }
    }

    /** Writes the file anew, and opens it either way. */
    private void open() throws IOException {
        Path path = Objects.requireNonNull(directory).resolve("file-" + ++shots);
        IoQueue queue = io.borrow();
        try (DiskFile file = disk.create(path)) {
            for (long at = 0; at < image.byteSize(); at += IMAGE_UNIT_BYTES) {
                int bytes = (int) Math.min(IMAGE_UNIT_BYTES, image.byteSize() - at);
                await(queue, QUEUE_DEPTH - 1);
                queue.write(file, at, image, at, bytes, at);
            }
            await(queue, 0);
            queue.sync(file, 0);
            await(queue, 0);
        } finally {
            io.giveBack(queue);
        }
        CFileReader opened = CFileReader.open(new CFileReader.Source(disk, path, FILE_ID, 1), cache, account);
        reader = opened;
        mapped = MappedFile.toRead(path);
        pageBytes = opened.column(0).bytes() / opened.column(0).pageCount() & -Long.BYTES;
    }

    /** Not only the pages of one shot: a scan and random reads do not read the same ones. */
    private void readAll() {
        try (ColumnCursor cursor = column().cursor(scratch)) {
            for (int page = 0; page < column().pageCount(); page++) {
                touch(cursor, page);
                touchMapped(page);
            }
        }
    }

    private static void await(IoQueue queue, int inFlightMax) {
        while (queue.inFlight() > inFlightMax) {
            int done = queue.poll((_, _, failure) -> {
                if (failure != null) {
                    throw failure;
                }
            });
            if (done == 0) {
                queue.await(Long.MAX_VALUE);
            }
        }
    }

    private void closeFile() {
        if (reader != null && mapped != null) {
            mapped.close();
            reader.close();
            disk.delete(reader.path());
        }
    }

    private ColumnReader column() {
        return Objects.requireNonNull(reader, "not open").column(0);
    }

    /** The vector that the page of a read begins with, or nearly. */
    private int vector(int page) {
        return (int) ((long) page * column().vectorCount() / column().pageCount());
    }

    private int randomPage(int read) {
        return (int) (read * SCRAMBLE % column().pageCount());
    }

    @Benchmark
    public long scan() {
        long sum = 0;
        try (ReadAhead ahead = Objects.requireNonNull(reader).readAhead(account);
                ColumnCursor cursor = column().cursor(scratch, ahead, null)) {
            for (int read = 0; read < PAGES; read++) {
                sum += touch(cursor, read % column().pageCount());
            }
        }
        return sum;
    }

    @Benchmark
    public long scanMapped() {
        long sum = 0;
        for (int read = 0; read < PAGES; read++) {
            sum += touchMapped(read % column().pageCount());
        }
        return sum;
    }

    @Benchmark
    public long random() {
        long sum = 0;
        try (ColumnCursor cursor = column().cursor(scratch)) {
            for (int read = 0; read < PAGES; read++) {
                sum += touch(cursor, randomPage(read));
            }
        }
        return sum;
    }

    @Benchmark
    public long randomTogether() {
        long sum = 0;
        Prefetch prefetch = Objects.requireNonNull(reader).prefetch();
        try (ColumnCursor cursor = column().cursor(scratch)) {
            for (int first = 0; first < PAGES; first += Prefetch.PAGES_MAX) {
                for (int read = first; read < first + Prefetch.PAGES_MAX; read++) {
                    prefetch.add(column(), vector(randomPage(read)));
                }
                prefetch.run();
                for (int read = first; read < first + Prefetch.PAGES_MAX; read++) {
                    sum += touch(cursor, randomPage(read));
                }
            }
        }
        return sum;
    }

    @Benchmark
    public long randomMapped() {
        long sum = 0;
        for (int read = 0; read < PAGES; read++) {
            sum += touchMapped(randomPage(read));
        }
        return sum;
    }

    private long touch(ColumnCursor cursor, int page) {
        cursor.seek(vector(page));
        return cursor.longAt(0);
    }

    /** All bytes of a page's size where it is, or nearly: a mapped file must be checked like any other. */
    private long touchMapped(int page) {
        MemorySegment memory = Objects.requireNonNull(mapped, "not open").memory();
        return Crc32c.of(memory, page * pageBytes, pageBytes);
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        closeFile();
        scratch.close();
        cache.close();
        io.close();
        disk.close();
        account.close();
        budget.close();
        arena.close();
        Files.delete(Objects.requireNonNull(directory));
    }
}
