package io.nyala.engine;

import io.nyala.diskrowset.LookupMemory;
import io.nyala.memory.AccountUsage;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.wal.WalConfig;
import java.util.List;
import java.util.Locale;

/**
 * All native memory of an engine, by what it is for. Log, cache, flush, rows in memory, and what stays in memory of
 * rowsets on disk have reservations, so that whatever batches and scans take, some writes fit in memory, and what is
 * there can always be made durable and written out. Scans have one, too: whatever merges and rows take, some can be
 * read. None depends on another one's: a flush takes nothing of the cache.
 */
final class EngineMemory implements AutoCloseable {
    private static final long MIB = 1L << 20;

    /** Room for the pages of one rowset under construction, and what it takes to make them. */
    private static final long FLUSH_OVERHEAD_BYTES = 16 * MIB;

    /** What must be left for batches, and for scans beyond theirs: the largest batch. */
    private static final long SHARED_BYTES_MIN = 8 * MIB;

    /** MemRowSets of {@code flushBytes} that have room in the reservation: one is filled while the other is flushed. */
    private static final int RESERVED_FLUSHES = 2;

    /** What first slabs take beside what is filled, and what is left over between slabs of different sizes. */
    private static final long ROWS_OVERHEAD_BYTES = 2 * PageSource.REGION_BYTES;

    /**
     * What is set aside for changes of rows on disk: those that came during a flush must find room at its end, before
     * it has freed any (see {@code FreshRows}).
     */
    private static final long CHANGES_BYTES = 2 * PageSource.REGION_BYTES;

    /** A merge has some hundred KiB of each input, 4 bytes for each row, and a rowset under construction. */
    private static final long MERGE_BYTES_MAX = 64 * MIB;

    /** Of all memory merges together have no more than such a part, or what one of them may have. */
    private static final int MERGES_PART_MAX = 4;

    /** Of a small budget merges have a part; for what they need beyond, they have to find room. */
    private static final int MERGE_PART = 32;

    /** What one scan in the order of keys takes, however many rowsets and delta files it reads side by side. */
    private static final long SCAN_BYTES_MAX = 16 * MIB;

    /** Of a small budget, in which there are no so many rowsets, scans have a part, too. */
    private static final int SCAN_PART = 32;

    private final MemoryBudget budget;
    private final MemoryAccount log;
    private final MemoryAccount cache;
    private final MemoryAccount rowSets;
    private final MemoryAccount lookups;
    private final MemoryAccount flush;
    private final MemoryAccount merges;
    private final MemoryAccount rows;
    private final MemoryAccount changes;
    private final MemoryAccount batches;
    private final MemoryAccount scans;

    EngineMemory(PageSource pages, EngineConfig config, WalConfig wal, WalConfig storage) {
        long logBytes = wal.memoryBytes() + storage.memoryBytes();
        long flushBytes = config.rowSetBytes() + FLUSH_OVERHEAD_BYTES;
        long rowsBytes = RESERVED_FLUSHES * config.flushBytes() + ROWS_OVERHEAD_BYTES;
        long mergeBytes = Math.min(MERGE_BYTES_MAX, config.memoryBytes() / MERGE_PART);
        long scanBytes = Math.min(SCAN_BYTES_MAX, config.memoryBytes() / SCAN_PART);
        long forOthers = MemoryBudget.reservedBytes(mergeBytes) + MemoryBudget.reservedBytes(scanBytes);
        checkFits(config, logBytes, flushBytes, forOthers, rowsBytes);
        budget = MemoryBudget.open(pages, config.memoryBytes());
        log = budget.account("log", logBytes);
        cache = budget.account("page cache", config.cacheBytes());
        rowSets = budget.account("open rowsets", config.metadataBytes());
        lookups = budget.account("look-ups", LookupMemory.RESERVED_BYTES);
        flush = budget.account("flush", flushBytes);
        merges = budget.account("merges", mergeBytes);
        rows = budget.account("rows in memory", rowsBytes);
        changes = budget.account("changes in memory", CHANGES_BYTES);
        batches = budget.account("write batches", 0);
        scans = budget.account("scans", scanBytes);
    }

    /** Before anything is taken, and by the names that the configuration has for it. */
    private static void checkFits(EngineConfig config, long logBytes, long flushBytes, long forOthers, long rowsBytes) {
        long needed = SHARED_BYTES_MIN;
        for (long reserved : List.of(
                config.cacheBytes(),
                config.metadataBytes(),
                rowsBytes,
                logBytes,
                flushBytes,
                forOthers,
                CHANGES_BYTES,
                LookupMemory.RESERVED_BYTES)) {
            needed += MemoryBudget.reservedBytes(reserved);
        }
        Check.that(
                needed <= config.memoryBytes(),
                String.format(
                        Locale.ROOT,
                        "memoryBytes is %,d, but %,d are needed: %,d for the page cache (cacheBytes), %,d for metadata"
                                + " of rowsets (metadataBytes), %,d for rows in memory (twice flushBytes, and some),"
                                + " %,d for the logs (less with smaller logSegmentBytes), %,d for a flush, the rest for"
                                + " merges, changes, look-ups, batches and scans; raise memoryBytes, or lower one of"
                                + " the others",
                        config.memoryBytes(),
                        needed,
                        config.cacheBytes(),
                        config.metadataBytes(),
                        rowsBytes,
                        logBytes,
                        flushBytes));
    }

    /** What all merges together may take: where there is much memory, each worker as much as one merge. */
    static long mergeBytesMax(EngineConfig config) {
        long wanted = Math.max(1, config.maintenanceWorkers() - 1) * MERGE_BYTES_MAX;
        return Math.min(wanted, Math.max(MERGE_BYTES_MAX, config.memoryBytes() / MERGES_PART_MAX));
    }

    MemoryAccount log() {
        return log;
    }

    MemoryAccount cache() {
        return cache;
    }

    /** What stays in memory of each rowset on disk. */
    MemoryAccount rowSets() {
        return rowSets;
    }

    MemoryAccount lookups() {
        return lookups;
    }

    MemoryAccount flush() {
        return flush;
    }

    /** What merges take: not of a flush's, which must go on whatever they need. */
    MemoryAccount merges() {
        return merges;
    }

    MemoryAccount rows() {
        return rows;
    }

    /** Changes in memory of rows on disk. */
    MemoryAccount changes() {
        return changes;
    }

    MemoryAccount batches() {
        return batches;
    }

    MemoryAccount scans() {
        return scans;
    }

    List<AccountUsage> usage() {
        return budget.usage();
    }

    long limitBytes() {
        return budget.limitBytes();
    }

    long peakBytes() {
        return budget.peakBytes();
    }

    /** Gives everything back to the system; throws, by name, if something was not given back to the budget. */
    @Override
    public void close() {
        budget.close();
    }
}
