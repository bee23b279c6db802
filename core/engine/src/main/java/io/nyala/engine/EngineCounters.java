package io.nyala.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.status.AtomicCounter;
import org.agrona.concurrent.status.CountersManager;
import org.agrona.concurrent.status.CountersReader;

/**
 * What an engine has done since it was opened, as Agrona counters in a small mapped file of its directory, so that
 * another process can watch: {@code nyala counters DIR}. An engine in a simulated world keeps them in memory.
 *
 * <pre>{@code
 *   0                     COUNTERS_MAX * 128          COUNTERS_MAX * (128 + 512)
 *   +---------------------+---------------------------+
 *   | values              | labels                    |      the layout of Agrona's CountersManager
 *   +---------------------+---------------------------+
 * }</pre>
 *
 * The file says nothing about the data: it is made anew at each open, and nothing reads it back.
 *
 * <p>Thread-safe; counting allocates nothing. The mapping goes with the garbage, not before: a thread that is late by a
 * moment may still count.
 */
public final class EngineCounters {
    /** Room for those below and some more. */
    private static final int COUNTERS_MAX = 64;

    private static final int VALUES_BYTES = COUNTERS_MAX * CountersReader.COUNTER_LENGTH;
    private static final int LABELS_BYTES = COUNTERS_MAX * CountersReader.METADATA_LENGTH;
    private static final String FILE_NAME = "counters";

    private final AtomicCounter commits;
    private final AtomicCounter operations;
    private final AtomicCounter refusedOperations;
    private final AtomicCounter failedCommits;
    private final AtomicCounter scans;
    private final AtomicCounter flushes;
    private final AtomicCounter failedFlushes;

    private EngineCounters(AtomicBuffer buffer) {
        var manager = new CountersManager(labels(buffer), values(buffer));
        commits = manager.newCounter("commits acknowledged");
        operations = manager.newCounter("operations acknowledged");
        refusedOperations = manager.newCounter("operations refused");
        failedCommits = manager.newCounter("commits failed");
        scans = manager.newCounter("scans opened");
        flushes = manager.newCounter("flushes");
        failedFlushes = manager.newCounter("flushes failed");
    }

    /** Counters in a file of {@code directory}, which other processes can read. */
    static EngineCounters mapped(Path directory) {
        Path file = directory.resolve(FILE_NAME);
        try {
            Files.deleteIfExists(file);
            try (var channel = FileChannel.open(
                    file, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                // Written before it is mapped: on a full disk that is an error here, and not a SIGBUS later.
                ByteBuffer zeros = ByteBuffer.allocate(VALUES_BYTES + LABELS_BYTES);
                while (zeros.hasRemaining()) {
                    channel.write(zeros);
                }
                return new EngineCounters(
                        new UnsafeBuffer(channel.map(FileChannel.MapMode.READ_WRITE, 0, zeros.capacity())));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make the counters file " + file + ": " + e.getMessage(), e);
        }
    }

    /** Counters that only this process sees. */
    static EngineCounters inMemory() {
        return new EngineCounters(new UnsafeBuffer(new byte[VALUES_BYTES + LABELS_BYTES]));
    }

    /**
     * What the engine in {@code directory} has counted, by label; of an engine that is open in any process, or was
     * last.
     *
     * @throws UncheckedIOException if there is no such file
     */
    public static Map<String, Long> read(Path directory) {
        Path file = directory.resolve(FILE_NAME);
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MappedByteBuffer bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
            return read(new UnsafeBuffer(bytes), file);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "cannot read the counters file " + file + ": " + e.getMessage() + "; is an engine open there?", e);
        }
    }

    private static Map<String, Long> read(AtomicBuffer buffer, Path file) throws IOException {
        if (buffer.capacity() != VALUES_BYTES + LABELS_BYTES) {
            throw new IOException(file + " has " + buffer.capacity() + " bytes, a counters file has "
                    + (VALUES_BYTES + LABELS_BYTES));
        }
        Map<String, Long> counters = new LinkedHashMap<>();
        var reader = new CountersReader(labels(buffer), values(buffer));
        reader.forEach((value, id, label) -> counters.put(label, value));
        return counters;
    }

    private static AtomicBuffer values(AtomicBuffer buffer) {
        return new UnsafeBuffer(buffer, 0, VALUES_BYTES);
    }

    private static AtomicBuffer labels(AtomicBuffer buffer) {
        return new UnsafeBuffer(buffer, VALUES_BYTES, LABELS_BYTES);
    }

    void committed(int operationCount, int refusedCount) {
        commits.increment();
        operations.getAndAdd((long) operationCount - refusedCount);
        refusedOperations.getAndAdd(refusedCount);
    }

    void commitFailed() {
        failedCommits.increment();
    }

    void scanOpened() {
        scans.increment();
    }

    void flushed(boolean isDone) {
        (isDone ? flushes : failedFlushes).increment();
    }
}
