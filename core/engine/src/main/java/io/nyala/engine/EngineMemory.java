package io.nyala.engine;

import io.nyala.memory.AccountUsage;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.wal.WalConfig;
import java.util.List;

/**
 * All native memory of an engine, by what it is for. Log, flush and cache have reservations, so that whatever readers
 * and writers take, what is in memory can always be made durable and written out.
 */
final class EngineMemory implements AutoCloseable {
    private static final long MIB = 1L << 20;

    /** Room for the pages of one rowset under construction, and what it takes to make them. */
    private static final long FLUSH_OVERHEAD_BYTES = 16 * MIB;

    private final MemoryBudget budget;
    private final MemoryAccount log;
    private final MemoryAccount cache;
    private final MemoryAccount flush;
    private final MemoryAccount rows;
    private final MemoryAccount batches;
    private final MemoryAccount scans;

    EngineMemory(PageSource pages, EngineConfig config, WalConfig wal, WalConfig storage) {
        budget = MemoryBudget.open(pages, config.memoryBytes());
        log = budget.account("log", wal.memoryBytes() + storage.memoryBytes());
        cache = budget.account("page cache", config.cacheBytes());
        flush = budget.account("flush", rowSetBytes(config) + FLUSH_OVERHEAD_BYTES);
        rows = budget.account("rows in memory", 0);
        batches = budget.account("write batches", 0);
        scans = budget.account("scans", 0);
    }

    /** Size at which a flush goes on in the next file: 32 MiB, less where memory is short. */
    static long rowSetBytes(EngineConfig config) {
        return Math.min(32 * MIB, config.memoryBytes() / 16);
    }

    MemoryAccount log() {
        return log;
    }

    MemoryAccount cache() {
        return cache;
    }

    MemoryAccount flush() {
        return flush;
    }

    MemoryAccount rows() {
        return rows;
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

    long peakBytes() {
        return budget.peakBytes();
    }

    /** Gives everything back to the system; throws, by name, if something was not given back to the budget. */
    @Override
    public void close() {
        budget.close();
    }
}
