package io.nyala.perf;

import io.nyala.cfile.CFileReader;
import io.nyala.cfile.CFileWriter;
import io.nyala.cfile.CellKind;
import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.ColumnPredicate;
import io.nyala.cfile.ColumnSpec;
import io.nyala.cfile.ColumnWriter;
import io.nyala.cfile.PageCache;
import io.nyala.encoding.DecoderScratch;
import io.nyala.encoding.FlatBinary;
import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.rows.CellValue;
import io.nyala.rows.Predicate;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A file of an INT64 column of small numbers and a column of few strings, all of it in the page cache: every vector
 * decoded, or asked a range. A score is values per nanosecond, so billions of values per second.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(CFileBenchmark.ROWS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Dnyala.kernels=vector"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
public class CFileBenchmark {
    static final int ROWS = 1 << 20;

    /** Fewer where a test only sees that it works; the score is of no meaning then. */
    private static final int FILLED_ROWS = Integer.getInteger("nyala.perf.rows", ROWS);

    private static final int NUMBER = 0;
    private static final int WORD = 1;

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 128 << 20);
    private final MemoryAccount account = budget.account("benchmark", 0);
    private final Disk disk = Disks.best();
    private final IoPool io = new IoPool(disk, 2, 16);
    private final PageCache cache = new PageCache(account, io, 64 << 20);
    private final DecoderScratch scratch = new DecoderScratch(account);
    private final Slab target = account.take(256 << 10);
    private final Slab bitmap = account.take(ColumnSpec.VECTOR_ROWS / Byte.SIZE);
    private final FlatBinary strings = new FlatBinary();
    private final ColumnPredicate range = ColumnPredicate.of(
            new Predicate.Range(NUMBER, CellValue.ofBytes(cell(100)), CellValue.ofBytes(cell(600))), CellKind.INT64);
    private final Path directory = directory();
    private final CFileReader reader = write();
    private final ColumnCursor numbers = reader.column(NUMBER).cursor(scratch);
    private final ColumnCursor words = reader.column(WORD).cursor(scratch);
    private long lookUps;

    private static byte[] cell(long value) {
        byte[] bytes = new byte[Long.BYTES];
        MemorySegment.ofArray(bytes).set(ValueLayout.JAVA_LONG_UNALIGNED, 0, value);
        return bytes;
    }

    private static Path directory() {
        try {
            return Files.createTempDirectory("nyala-cfile");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private CFileReader write() {
        Path path = directory.resolve("file");
        try (CFileWriter writer = new CFileWriter(account)) {
            append(writer);
            IoQueue queue = io.borrow();
            writer.finish(new CFileWriter.Destination(disk, path, 1, 1), new byte[0], queue);
            io.giveBack(queue);
        }
        return CFileReader.open(new CFileReader.Source(disk, path, 1, 1), cache, account);
    }

    private static void append(CFileWriter writer) {
        ColumnWriter numberWriter = writer.addColumn(ColumnSpec.of(NUMBER, "number", CellKind.INT64));
        ColumnWriter wordWriter = writer.addColumn(ColumnSpec.of(WORD, "word", CellKind.BINARY));
        var random = new SplittableRandom(1);
        MemorySegment number = MemorySegment.ofArray(new long[1]);
        for (int row = 0; row < FILLED_ROWS; row++) {
            number.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, random.nextInt(4000));
            numberWriter.append(number, 0, Long.BYTES);
            byte[] word = ("word number " + random.nextInt(60)).getBytes(StandardCharsets.UTF_8);
            wordWriter.append(MemorySegment.ofArray(word), 0, word.length);
        }
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        numbers.close();
        words.close();
        reader.close();
        account.giveBack(target);
        account.giveBack(bitmap);
        scratch.close();
        cache.close();
        io.close();
        disk.close();
        account.close();
        budget.close();
        Files.delete(directory.resolve("file"));
        Files.delete(directory);
    }

    /** Every number, 8 bytes each. */
    @Benchmark
    public long decodeNumbers() {
        for (int vector = 0; vector < reader.vectorCount(); vector++) {
            numbers.seek(vector);
            numbers.readFixed(target.segment(), 0);
        }
        return target.segment().get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    }

    /** A range of which one number in eight is. */
    @Benchmark
    public long filterNumbers() {
        long sum = 0;
        for (int vector = 0; vector < reader.vectorCount(); vector++) {
            numbers.seek(vector);
            bitmap.segment().fill((byte) -1);
            numbers.and(range, bitmap.segment(), 0);
            sum += bitmap.segment().get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
        }
        return sum;
    }

    /** Every string, from dictionaries. */
    @Benchmark
    public long decodeWords() {
        for (int vector = 0; vector < reader.vectorCount(); vector++) {
            words.seek(vector);
            words.readBinary(strings.wrap(target.segment(), 0, target.segment(), 8 << 10));
        }
        return target.segment().get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    }

    /** One random row of both columns. */
    @Benchmark
    @OperationsPerInvocation(1)
    public long lookUp() {
        int row = (int) ((lookUps++ * 0x9E37_79B9L & Long.MAX_VALUE) % FILLED_ROWS);
        numbers.seek(row / ColumnSpec.VECTOR_ROWS);
        words.seek(row / ColumnSpec.VECTOR_ROWS);
        words.readCell(row % ColumnSpec.VECTOR_ROWS, target.segment(), 0);
        return numbers.longAt(row % ColumnSpec.VECTOR_ROWS);
    }
}
