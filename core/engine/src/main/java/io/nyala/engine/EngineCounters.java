package io.nyala.engine;

import io.nyala.compaction.OverdueCommits;
import io.nyala.io.MappedFile;
import io.nyala.tablet.DeltaMergeTask;
import io.nyala.tablet.MergeTask;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.status.CountersManager;
import org.agrona.concurrent.status.CountersReader;
import org.jspecify.annotations.Nullable;

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
 * <p>Thread-safe; counting allocates nothing. {@link #close} unmaps the file; a thread that is late by a moment counts
 * for nobody, and does no harm.
 */
public final class EngineCounters implements AutoCloseable {
    /** Room for those below and some more. */
    private static final int COUNTERS_MAX = 64;

    private static final int VALUES_BYTES = COUNTERS_MAX * CountersReader.COUNTER_LENGTH;
    private static final int LABELS_BYTES = COUNTERS_MAX * CountersReader.METADATA_LENGTH;
    private static final String FILE_NAME = "counters";

    private static final VarHandle VALUE = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();

    private final MemorySegment values;
    private final @Nullable MappedFile file;
    private LongSupplier micros = () -> 0;
    private long slowMicros = Long.MAX_VALUE;
    private final AtomicLong begunCount = new AtomicLong();
    private OverdueCommits overdue = new OverdueCommits(Long.MAX_VALUE, 0);

    /** With its id, which is its place in the file: Agrona hands them out from 0. */
    private enum Counter {
        COMMITS(0, "commits acknowledged"),
        OPERATIONS(1, "operations acknowledged"),
        REFUSED_OPERATIONS(2, "operations refused"),
        FAILED_COMMITS(3, "commits failed"),
        SCANS(4, "scans opened"),
        FLUSHES(5, "flushes"),
        FAILED_FLUSHES(6, "flushes failed"),
        MERGES(7, "merges"),
        FAILED_MERGES(8, "merges failed"),
        DELTA_MERGES(9, "merges of delta files"),
        FAILED_DELTA_MERGES(10, "merges of delta files failed"),
        MAJOR_DELTA_COMPACTIONS(11, "merges of one rowset with its changes"),
        MERGE_READ_BYTES(12, "bytes read by merges"),
        MERGE_WRITTEN_BYTES(13, "bytes written by merges"),
        DELTA_MERGE_READ_BYTES(14, "bytes read by merges of delta files"),
        DELTA_MERGE_WRITTEN_BYTES(15, "bytes written by merges of delta files"),
        MERGE_COPIED_PAGES(16, "pages copied by merges"),
        SLOW_COMMITS(17, "commits that were slow"),
        MERGE_PAUSES(18, "pauses of merges"),
        FLUSH_WRITTEN_BYTES(19, "bytes written by flushes"),
        MERGES_OF_SEVERAL(20, "merges of several rowsets"),
        SPACE_REWRITES(21, "merges of one rowset for its space"),
        DROPPED_ROWSETS(22, "rowsets dropped unread"),
        FILTERS_ASKED(23, "key filters asked by commits"),
        KEYS_LOOKED_UP(24, "keys looked up by commits");

        private final int id;
        private final String label;

        Counter(int id, String label) {
            this.id = id;
            this.label = label;
        }
    }

    private EngineCounters(MemorySegment values, @Nullable MappedFile file) {
        this.values = values;
        this.file = file;
    }

    /** Counters in a file of {@code directory}, which other processes can read. */
    static EngineCounters mapped(Path directory) {
        Path file = directory.resolve(FILE_NAME);
        try {
            Files.deleteIfExists(file);
            // Written before it is mapped: on a full disk that is an error here, and not a SIGBUS later.
            Files.write(file, new byte[VALUES_BYTES + LABELS_BYTES], StandardOpenOption.CREATE_NEW);
            MappedFile mapped = MappedFile.toWrite(file);
            label(new UnsafeBuffer(mapped.memory().asByteBuffer()));
            return new EngineCounters(mapped.memory().asSlice(0, VALUES_BYTES), mapped);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make the counters file " + file + ": " + e.getMessage(), e);
        }
    }

    private static void label(AtomicBuffer buffer) {
        var manager = new CountersManager(labels(buffer), values(buffer));
        for (Counter counter : Counter.values()) {
            int id = manager.allocate(counter.label);
            assert id == counter.id : counter + " is " + id;
        }
    }

    /** Counters that only this process sees, which nobody asks for labels. */
    static EngineCounters inMemory() {
        return new EngineCounters(MemorySegment.ofArray(new long[VALUES_BYTES / Long.BYTES]), null);
    }

    /**
     * What the engine in {@code directory} has counted, by label; of an engine that is open in any process, or was
     * last.
     *
     * @throws UncheckedIOException if there is no such file
     * @throws EngineOpenException if the JVM was started without a flag that this needs
     */
    public static Map<String, Long> read(Path directory) {
        RuntimeChecks.require();
        Path file = directory.resolve(FILE_NAME);
        try (MappedFile mapped = MappedFile.toRead(file)) {
            return read(new UnsafeBuffer(mapped.memory().asByteBuffer()), file);
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

    /** What was counted so far, by label. While they are open. */
    Map<String, Long> values() {
        Map<String, Long> counters = new LinkedHashMap<>();
        for (Counter counter : Counter.values()) {
            counters.put(counter.label, value(counter));
        }
        return counters;
    }

    private long value(Counter counter) {
        return (long) VALUE.getVolatile(values, (long) CountersReader.counterOffset(counter.id));
    }

    /** Commits that take longer than that, by this clock, are slow; none if it is 0. Before the first. */
    void watch(LongSupplier newMicros, long slowCommitMicros) {
        micros = newMicros;
        slowMicros = slowCommitMicros == 0 ? Long.MAX_VALUE : slowCommitMicros;
        overdue = new OverdueCommits(slowMicros, newMicros.getAsLong());
    }

    /** What {@link #committed} is to be told; it is called for it, or {@link #commitFailed}. */
    long commitBegins() {
        begunCount.getAndIncrement();
        return micros.getAsLong();
    }

    void committed(int operationCount, int refusedCount, long begunAt) {
        if (micros.getAsLong() - begunAt > slowMicros) {
            add(Counter.SLOW_COMMITS, 1);
        }
        add(Counter.COMMITS, 1);
        add(Counter.OPERATIONS, (long) operationCount - refusedCount);
        add(Counter.REFUSED_OPERATIONS, refusedCount);
    }

    /** What it took to know which keys of a commit are on disk. */
    void probed(long filtersAsked, long keysLookedUp) {
        if (filtersAsked > 0) { // As long as there are no rowsets, most commits ask none.
            add(Counter.FILTERS_ASKED, filtersAsked);
            add(Counter.KEYS_LOOKED_UP, keysLookedUp);
        }
    }

    long commitCount() {
        return value(Counter.COMMITS);
    }

    long slowCommitCount() {
        return value(Counter.SLOW_COMMITS);
    }

    /** How many have been slow for long, and are not answered yet. */
    long overdueCommitCount() {
        long endedCount = value(Counter.COMMITS) + value(Counter.FAILED_COMMITS);
        return overdue.count(micros.getAsLong(), begunCount.get(), endedCount);
    }

    /** A merge waits with its next step. */
    void mergePaused() {
        add(Counter.MERGE_PAUSES, 1);
    }

    void commitFailed() {
        add(Counter.FAILED_COMMITS, 1);
    }

    void scanOpened() {
        add(Counter.SCANS, 1);
    }

    /** {@code writtenBytes}: also of one that failed, and was half done. */
    void flushed(boolean isDone, long writtenBytes) {
        add(isDone ? Counter.FLUSHES : Counter.FAILED_FLUSHES, 1);
        add(Counter.FLUSH_WRITTEN_BYTES, writtenBytes);
    }

    void merged(MergeTask merge, boolean isDone) {
        if (isDone) {
            add(Counter.MERGES, 1);
            add(Counter.MAJOR_DELTA_COMPACTIONS, merge.isMajorDeltaCompaction() ? 1 : 0);
            add(Counter.MERGES_OF_SEVERAL, merge.readCount() > 1 ? 1 : 0);
            boolean isOfOne = merge.readCount() == 1 && merge.droppedCount() == 0;
            add(Counter.SPACE_REWRITES, isOfOne && !merge.isMajorDeltaCompaction() ? 1 : 0);
            add(Counter.DROPPED_ROWSETS, merge.droppedCount());
            add(Counter.MERGE_READ_BYTES, merge.readBytes());
            add(Counter.MERGE_WRITTEN_BYTES, merge.writtenBytes());
            add(Counter.MERGE_COPIED_PAGES, merge.copiedPages());
        } else {
            add(Counter.FAILED_MERGES, 1);
        }
    }

    void deltasMerged(DeltaMergeTask merge, boolean isDone) {
        if (isDone) {
            add(Counter.DELTA_MERGES, 1);
            add(Counter.DELTA_MERGE_READ_BYTES, merge.readBytes());
            add(Counter.DELTA_MERGE_WRITTEN_BYTES, merge.writtenBytes());
        } else {
            add(Counter.FAILED_DELTA_MERGES, 1);
        }
    }

    private void add(Counter counter, long count) {
        try {
            long _ = (long) VALUE.getAndAdd(values, (long) CountersReader.counterOffset(counter.id), count);
        } catch (IllegalStateException e) {
            // The engine was closed a moment ago, and nobody looks at its counters any more.
        }
    }

    /** Unmaps the file, which stays. Closing twice does nothing. */
    @Override
    public void close() {
        if (file != null && file.memory().scope().isAlive()) {
            file.close();
        }
    }
}
