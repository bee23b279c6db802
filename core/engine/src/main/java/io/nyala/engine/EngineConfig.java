package io.nyala.engine;

import io.nyala.cfile.KeyFilter;
import io.nyala.compaction.MergePace;
import io.nyala.compaction.MergePolicy;
import io.nyala.compaction.WritePace;
import io.nyala.memory.Check;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * How an engine is set up. Immutable; a change is a copy:
 *
 * <pre>{@code
 * var config = EngineConfig.in(Path.of("data")).withMemoryBytes(4L << 30);
 * }</pre>
 *
 * @param directory where everything is; created if missing, locked while open
 * @param memoryBytes all native memory the engine may use; rows in memory, page cache, log buffers, scans
 * @param cacheBytes part of it that holds pages read from disk
 * @param metadataBytes part of it that holds what stays in memory of each rowset on disk: directory and key index.
 *     What does not fit goes to memory that is set aside for nobody
 * @param flushBytes a tablet flushes its rows in memory when they reach this size
 * @param rowSetBytes a flush of more than that goes on in the next file, so that merges have handy pieces
 * @param filterRate part of the keys that a rowset does not have which the key filter of one that is written from now
 *     on may let through, to be looked for in vain: between 0.000001 and 0.1. At the default, 0.0001 as in Kudu, a
 *     filter takes 3 bytes for each row, on disk and, of what is looked up, in the cache
 * @param logSegmentBytes size of the files of the write-ahead log; a power of two. A batch must fit into one: 8 MiB,
 *     from 16 MiB on
 * @param logSegmentsMax most of these files that hold records which are needed. Long before, tablets are flushed to let
 *     go of old ones; at this many, writes wait for that, or fail if it does not help
 * @param catalogEditsMax changes of the catalog and flushes after which their log begins anew with a checkpoint
 * @param automaticMerges whether rowsets are merged without anybody's asking, once many overlap, or are small, or many
 *     changes lie beside them; else {@code Table.compact} alone does it
 * @param mergeDelayMillis so long after a flush rowsets of that tablet are left alone, unless much is gained: those of
 *     the next flush would overlap the result
 * @param deltaFilesMin files of changes beside a rowset from which on those of about the same size become one; fewer
 *     are left as they are
 * @param changePercentMin changes beside a rowset, in percent of its bytes, from which on it is written again with them
 * @param writers threads that decide and apply writes; tablets are spread over them
 * @param maintenanceWorkers threads that flush and merge. One does both in turns; of more, one flushes and the others
 *     merge, a tablet each at a time
 * @param mergeBytesPerSecond all merges together read and write no more than this; 0 for as fast as they can
 * @param slowCommitMillis merges take less of the time while more than one commit of a hundred takes longer than this;
 *     0: never
 * @param slowdownHeight rowsets that a look-up has to ask on average, from which on those wait who write to the tablet,
 *     so that merges keep up: at one and a half times as many, it takes about as much as merges can do. 0: never
 * @param disk {@code best}, or {@code ring}, {@code syscall} or {@code channel} to force one
 */
public record EngineConfig(
        Path directory,
        long memoryBytes,
        long cacheBytes,
        long metadataBytes,
        long flushBytes,
        long rowSetBytes,
        double filterRate,
        long logSegmentBytes,
        int logSegmentsMax,
        int catalogEditsMax,
        boolean automaticMerges,
        long mergeDelayMillis,
        int deltaFilesMin,
        int changePercentMin,
        int writers,
        int maintenanceWorkers,
        long mergeBytesPerSecond,
        long slowCommitMillis,
        int slowdownHeight,
        String disk) {
    /** A writer is a thread; what keeps it busy is decisions on rows in memory, and a log takes what a few can give. */
    public static final int WRITERS_MAX = 64;

    /** Each merges a tablet; they share the memory of merges. */
    public static final int MAINTENANCE_WORKERS_MAX = 16;

    /** Processors for each worker: on fewer, one takes what is left by callers and the writer. */
    private static final int PROCESSORS_PER_WORKER = 4;

    /** Of those that nobody asked for: more would do merges faster than any disk that is known here. */
    private static final int DEFAULT_WORKERS_MAX = 4;

    /** A merge of one page of each column would take seconds with less. */
    private static final long MERGE_BYTES_PER_SECOND_MIN = 1 << 16;

    /** A commit is some syncs of a disk; this is what people begin to notice. */
    private static final long SLOW_COMMIT_MILLIS = 50;

    private static final long SLOW_COMMIT_MILLIS_MAX = 60_000;

    /** About as many files as other stores bear ({@code level0_slowdown_writes_trigger} of RocksDB is 20). */
    private static final int SLOWDOWN_HEIGHT = 16;

    private static final int SLOWDOWN_HEIGHT_MAX = 1000;

    private static final long KIB = 1L << 10;
    private static final long MIB = 1L << 20;

    /** The rowsets of one flush are one edit of the storage log, with their least and greatest keys. */
    private static final long FLUSH_BYTES_MAX = 4096 * MIB;

    /** The same edit holds twice as many, each with two keys of up to 1 KiB. */
    private static final int ROWSETS_PER_FLUSH_MAX = 128;

    /** As in Kudu: large enough for long reads, small enough for short merges. Pages are in memory until written. */
    private static final long ROWSET_BYTES_MAX = 32 * MIB;

    /** Keeps the log of the catalog, and so the time to open, short: an edit is one 4 KiB block. */
    private static final int CATALOG_EDITS_MAX = 1024;

    /** A tablet that is filled as fast as its disk takes it is flushed more often than this. */
    private static final long MERGE_DELAY_MILLIS = 10_000;

    private static final long MERGE_DELAY_MILLIS_MAX = 86_400_000;

    /** Of fewer each change would be written again with each that comes. */
    private static final int DELTA_FILES_MIN = 4;

    /** As in Kudu. */
    private static final int CHANGE_PERCENT_MIN = 10;

    /** More than ten times as many changes as rows are a history that only reads want which are of the past. */
    private static final int CHANGE_PERCENT_MAX = 1_000;

    /** A start would read 8 GiB at the default size. */
    private static final int LOG_SEGMENTS = 128;

    /** Nobody reads as many at a start. */
    public static final int LOG_SEGMENTS_MAX = 1 << 16;

    /** More than are kept for rows in memory anyway. */
    public static final int LOG_SEGMENTS_MIN = Upkeep.LOG_SEGMENTS_MAX + 4;

    private static final long METADATA_BYTES_MIN = 2 * MIB;

    /** Of all memory, for metadata of rowsets, unless said otherwise. */
    private static final int METADATA_PART = 32;

    public EngineConfig {
        Objects.requireNonNull(directory, "directory");
        Objects.requireNonNull(disk, "disk");
        Check.inRange("memoryBytes", memoryBytes, 48 * MIB, 1L << 40);
        Check.inRange("cacheBytes", cacheBytes, 4 * MIB, memoryBytes / 2);
        Check.inRange("metadataBytes", metadataBytes, METADATA_BYTES_MIN, memoryBytes / 2);
        Check.inRange("flushBytes", flushBytes, 64 * KIB, Math.min(FLUSH_BYTES_MAX, memoryBytes / 6));
        Check.inRange(
                "rowSetBytes", rowSetBytes, Math.max(64 * KIB, flushBytes / ROWSETS_PER_FLUSH_MAX), ROWSET_BYTES_MAX);
        KeyFilter.checkRate(filterRate);
        Check.inRange("logSegmentBytes", logSegmentBytes, 128 * KIB, 1024 * MIB);
        Check.powerOfTwo("logSegmentBytes", logSegmentBytes);
        Check.inRange("logSegmentsMax", logSegmentsMax, LOG_SEGMENTS_MIN, LOG_SEGMENTS_MAX);
        Check.inRange("catalogEditsMax", catalogEditsMax, 1, 1 << 16);
        Check.inRange("mergeDelayMillis", mergeDelayMillis, 0, MERGE_DELAY_MILLIS_MAX);
        Check.inRange("deltaFilesMin", deltaFilesMin, 2, MergePolicy.INPUTS_MAX);
        Check.inRange("changePercentMin", changePercentMin, 1, CHANGE_PERCENT_MAX);
        Check.inRange("writers", writers, 1, WRITERS_MAX);
        Check.inRange("maintenanceWorkers", maintenanceWorkers, 1, MAINTENANCE_WORKERS_MAX);
        if (mergeBytesPerSecond != MergePace.UNLIMITED) {
            Check.inRange("mergeBytesPerSecond", mergeBytesPerSecond, MERGE_BYTES_PER_SECOND_MIN, Long.MAX_VALUE);
        }
        Check.inRange("slowCommitMillis", slowCommitMillis, 0, SLOW_COMMIT_MILLIS_MAX);
        if (slowdownHeight != WritePace.NEVER) {
            Check.inRange("slowdownHeight", slowdownHeight, 2, SLOWDOWN_HEIGHT_MAX);
        }
    }

    /** The defaults: 1 GiB of memory, of which a quarter caches pages, rowsets are merged, and one writer. */
    public static EngineConfig in(Path directory) {
        return new EngineConfig(
                directory,
                1024 * MIB,
                256 * MIB,
                32 * MIB,
                64 * MIB,
                32 * MIB,
                KeyFilter.RATE_DEFAULT,
                64 * MIB,
                LOG_SEGMENTS,
                CATALOG_EDITS_MAX,
                true,
                MERGE_DELAY_MILLIS,
                DELTA_FILES_MIN,
                CHANGE_PERCENT_MIN,
                1,
                workers(Runtime.getRuntime().availableProcessors()),
                MergePace.UNLIMITED,
                SLOW_COMMIT_MILLIS,
                SLOWDOWN_HEIGHT,
                "best");
    }

    /** Of maintenance, on a host of so many processors. */
    static int workers(int processors) {
        return Math.clamp(processors / PROCESSORS_PER_WORKER, 1, DEFAULT_WORKERS_MAX);
    }

    /** Also sets what depends on it: the cache, metadata, and the sizes of flushes and of rowsets. */
    public EngineConfig withMemoryBytes(long newMemoryBytes) {
        return with(copy -> {
            copy.memoryBytes = newMemoryBytes;
            copy.cacheBytes = newMemoryBytes / 4;
            copy.metadataBytes = Math.max(METADATA_BYTES_MIN, newMemoryBytes / METADATA_PART);
            copy.flushBytes = Math.min(FLUSH_BYTES_MAX, newMemoryBytes / 16);
            copy.rowSetBytes = Math.min(ROWSET_BYTES_MAX, newMemoryBytes / 16);
        });
    }

    public EngineConfig withCacheBytes(long newCacheBytes) {
        return with(copy -> copy.cacheBytes = newCacheBytes);
    }

    public EngineConfig withMetadataBytes(long newMetadataBytes) {
        return with(copy -> copy.metadataBytes = newMetadataBytes);
    }

    public EngineConfig withFlushBytes(long newFlushBytes) {
        return with(copy -> copy.flushBytes = newFlushBytes);
    }

    public EngineConfig withRowSetBytes(long newRowSetBytes) {
        return with(copy -> copy.rowSetBytes = newRowSetBytes);
    }

    public EngineConfig withFilterRate(double newFilterRate) {
        return with(copy -> copy.filterRate = newFilterRate);
    }

    public EngineConfig withLogSegmentBytes(long newLogSegmentBytes) {
        return with(copy -> copy.logSegmentBytes = newLogSegmentBytes);
    }

    public EngineConfig withLogSegmentsMax(int newLogSegmentsMax) {
        return with(copy -> copy.logSegmentsMax = newLogSegmentsMax);
    }

    public EngineConfig withCatalogEditsMax(int newCatalogEditsMax) {
        return with(copy -> copy.catalogEditsMax = newCatalogEditsMax);
    }

    public EngineConfig withAutomaticMerges(boolean newAutomaticMerges) {
        return with(copy -> copy.automaticMerges = newAutomaticMerges);
    }

    public EngineConfig withMergeDelayMillis(long newMergeDelayMillis) {
        return with(copy -> copy.mergeDelayMillis = newMergeDelayMillis);
    }

    public EngineConfig withDeltaFilesMin(int newDeltaFilesMin) {
        return with(copy -> copy.deltaFilesMin = newDeltaFilesMin);
    }

    public EngineConfig withChangePercentMin(int newChangePercentMin) {
        return with(copy -> copy.changePercentMin = newChangePercentMin);
    }

    public EngineConfig withWriters(int newWriters) {
        return with(copy -> copy.writers = newWriters);
    }

    public EngineConfig withMaintenanceWorkers(int newMaintenanceWorkers) {
        return with(copy -> copy.maintenanceWorkers = newMaintenanceWorkers);
    }

    public EngineConfig withMergeBytesPerSecond(long newMergeBytesPerSecond) {
        return with(copy -> copy.mergeBytesPerSecond = newMergeBytesPerSecond);
    }

    public EngineConfig withSlowCommitMillis(long newSlowCommitMillis) {
        return with(copy -> copy.slowCommitMillis = newSlowCommitMillis);
    }

    public EngineConfig withSlowdownHeight(int newSlowdownHeight) {
        return with(copy -> copy.slowdownHeight = newSlowdownHeight);
    }

    public EngineConfig withDisk(String newDisk) {
        return with(copy -> copy.disk = newDisk);
    }

    private EngineConfig with(Consumer<Copy> change) {
        Copy copy = new Copy(this);
        change.accept(copy);
        return copy.config();
    }

    /** What a copy is made of, so that a change names one thing only. */
    private static final class Copy {
        private final Path directory;
        private long memoryBytes;
        private long cacheBytes;
        private long metadataBytes;
        private long flushBytes;
        private long rowSetBytes;
        private double filterRate;
        private long logSegmentBytes;
        private int logSegmentsMax;
        private int catalogEditsMax;
        private boolean automaticMerges;
        private long mergeDelayMillis;
        private int deltaFilesMin;
        private int changePercentMin;
        private int writers;
        private int maintenanceWorkers;
        private long mergeBytesPerSecond;
        private long slowCommitMillis;
        private int slowdownHeight;
        private String disk;

        private Copy(EngineConfig config) {
            directory = config.directory;
            memoryBytes = config.memoryBytes;
            cacheBytes = config.cacheBytes;
            metadataBytes = config.metadataBytes;
            flushBytes = config.flushBytes;
            rowSetBytes = config.rowSetBytes;
            filterRate = config.filterRate;
            logSegmentBytes = config.logSegmentBytes;
            logSegmentsMax = config.logSegmentsMax;
            catalogEditsMax = config.catalogEditsMax;
            automaticMerges = config.automaticMerges;
            mergeDelayMillis = config.mergeDelayMillis;
            deltaFilesMin = config.deltaFilesMin;
            changePercentMin = config.changePercentMin;
            writers = config.writers;
            maintenanceWorkers = config.maintenanceWorkers;
            mergeBytesPerSecond = config.mergeBytesPerSecond;
            slowCommitMillis = config.slowCommitMillis;
            slowdownHeight = config.slowdownHeight;
            disk = config.disk;
        }

        private EngineConfig config() {
            return new EngineConfig(
                    directory,
                    memoryBytes,
                    cacheBytes,
                    metadataBytes,
                    flushBytes,
                    rowSetBytes,
                    filterRate,
                    logSegmentBytes,
                    logSegmentsMax,
                    catalogEditsMax,
                    automaticMerges,
                    mergeDelayMillis,
                    deltaFilesMin,
                    changePercentMin,
                    writers,
                    maintenanceWorkers,
                    mergeBytesPerSecond,
                    slowCommitMillis,
                    slowdownHeight,
                    disk);
        }
    }
}
