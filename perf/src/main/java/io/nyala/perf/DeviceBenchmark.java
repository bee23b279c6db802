package io.nyala.perf;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.DSYNC;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the disk under {@code java.io.tmpdir} does by the JDK's plain means: the yardstick beside which the figures of
 * the log are stated, since a flush differs by a factor of a hundred between machines. One thread; owns its file and
 * buffer.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
public class DeviceBenchmark {
    private static final int BLOCK_BYTES = 4096;
    private static final int BLOCKS = 1024; // Written before, as a recycled segment of the log is.

    private final Arena arena = Arena.ofShared();
    private final ByteBuffer block = arena.allocate(BLOCK_BYTES, BLOCK_BYTES).asByteBuffer();
    private Path file = Path.of("unset");
    private FileChannel durable = unopened();
    private FileChannel plain = unopened();
    private int next;

    @Setup(Level.Trial)
    public void open() throws IOException {
        file = Files.createTempFile("nyala-device", null);
        plain = FileChannel.open(file, CREATE, READ, WRITE);
        for (int i = 0; i < BLOCKS; i++) {
            plain.write(block.clear(), (long) i * BLOCK_BYTES);
        }
        plain.force(true);
        durable = FileChannel.open(file, WRITE, DSYNC);
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        plain.close();
        durable.close();
        Files.delete(file);
        arena.close();
    }

    /** A block over one that was written before, durable on return. */
    @Benchmark
    public int durableWrite() throws IOException {
        return durable.write(block.clear(), position());
    }

    /** A block from the page cache. */
    @Benchmark
    public int cachedRead() throws IOException {
        return plain.read(block.clear(), position());
    }

    private long position() {
        next = (next + 1) % BLOCKS;
        return (long) next * BLOCK_BYTES;
    }

    @SuppressWarnings("NullAway") // JMH opens before it calls.
    private static FileChannel unopened() {
        return null;
    }
}
