package io.nyala.diskrowset;

import io.nyala.cfile.PageCache;
import io.nyala.io.Disk;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.Schema;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Memory and a page cache around a disk, for tests that write and read rowsets. Fails if memory leaks. One thread. */
final class RowSetFiles implements AutoCloseable {
    static final long FILE_ID = 7;
    static final long TABLET_ID = 3;

    final MemoryBudget budget;
    final MemoryAccount account;
    final LookupMemory lookups;
    final IoPool io;
    private final Disk disk;
    private final Path path;
    PageCache cache;

    RowSetFiles(Disk disk, Path directory) {
        this(disk, directory, 256L << 20);
    }

    RowSetFiles(Disk disk, Path directory, long memoryBytes) {
        this.budget = MemoryBudget.open(PageSource.jdk(), memoryBytes);
        this.account = budget.account("test", 0);
        this.lookups = new LookupMemory(account);
        this.disk = disk;
        this.path = directory.resolve("7.rowset");
        this.io = new IoPool(disk, 4, 16);
        this.cache = new PageCache(account, io, 64 << 20);
    }

    Path path() {
        return path;
    }

    RowSetFile file() {
        return new RowSetFile(disk, path, FILE_ID, TABLET_ID);
    }

    /** Begins with an empty cache. */
    void forget() {
        forget(64 << 20);
    }

    void forget(long cacheBytes) {
        cache.close();
        cache = new PageCache(account, io, cacheBytes);
    }

    /** What is not given back, but for what look-ups keep for the next ones. */
    long usedBytes() {
        lookups.close();
        return budget.usedBytes();
    }

    RowSetOutput write(RowModel model) {
        return write(model, file());
    }

    RowSetOutput write(RowModel model, RowSetFile target) {
        try (RowSetWriter writer = new RowSetWriter(model.schema, account);
                ModelSource source = new ModelSource(model)) {
            while (source.next()) {
                writer.append(source);
            }
            IoQueue queue = io.borrow();
            try {
                return writer.finish(target, queue);
            } finally {
                io.giveBack(queue);
            }
        }
    }

    /** A further file beside the rowset. */
    RowSetFile file(long fileId) {
        return new RowSetFile(disk, path.resolveSibling(fileId + ".delta"), fileId, TABLET_ID);
    }

    /** Null if there is nothing to write. */
    @Nullable
    DeltaFileOutput writeIfAny(Schema schema, DeltaBase base, DeltaSource source, long fileId) {
        try (var writer = new DeltaFileWriter(schema, base, account)) {
            writer.appendAll(source);
            IoQueue queue = io.borrow();
            try {
                return writer.isEmpty() ? null : writer.finish(file(fileId), queue);
            } finally {
                io.giveBack(queue);
            }
        }
    }

    /** As a flush does it. */
    DeltaFileOutput write(Schema schema, DeltaBase base, DeltaSource source, long fileId) {
        IoQueue queue = io.borrow();
        try {
            DeltaFileOutput output = DeltaFileWriter.write(schema, base, source, file(fileId), queue, account);
            return Objects.requireNonNull(output, "there are changes");
        } finally {
            io.giveBack(queue);
        }
    }

    DeltaFile openDelta(long fileId, DeltaBase base) {
        return DeltaFile.open(file(fileId), base, cache, account);
    }

    DiskRowSet open(RowModel model) {
        return open(model, file());
    }

    DiskRowSet open(RowModel model, RowSetFile file) {
        return DiskRowSet.open(file, model.schema, cache, account, lookups);
    }

    @Override
    public void close() {
        lookups.close();
        cache.close();
        io.close();
        account.close();
        budget.close();
    }
}
