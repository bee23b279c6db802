package io.nyala.cfile;

import io.nyala.encoding.DecoderScratch;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.simulation.SimulatedDisk;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** A simulated disk with memory and a page cache around it, for tests that write and read files. For one thread. */
final class Files implements AutoCloseable {
    static final Path DIRECTORY = Path.of("/data");
    static final Path PATH = DIRECTORY.resolve("rs7.cfile");
    static final long FILE_ID = 7;
    static final long OWNER_ID = 3;

    final SimulatedDisk disk;
    final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 40L << 20);
    final MemoryAccount account = budget.account("test", 0);
    final DecoderScratch scratch = new DecoderScratch(account);
    final IoPool io;
    PageCache cache;

    Files(SplittableRandom random) {
        this(new SimulatedDisk(random));
        disk.createDirectories(DIRECTORY);
        disk.syncDirectory(DIRECTORY);
        disk.syncDirectory(Path.of("/"));
    }

    Files(SimulatedDisk disk) {
        this.disk = disk;
        this.io = new IoPool(disk, 4, 16);
        this.cache = new PageCache(account, io, 16 << 20);
    }

    /** Replaces the cache by one of another size. */
    void cacheBytes(long bytesMax) {
        cache.close();
        cache = new PageCache(account, io, bytesMax);
    }

    /** Writes columns to {@link #PATH}, with the keys if they are given. */
    CFileWriter.Written write(List<TestColumn> columns, @Nullable List<byte[]> keys) {
        try (CFileWriter writer = new CFileWriter(account)) {
            for (TestColumn column : columns) {
                column.writeTo(writer.addColumn(column.spec()));
            }
            if (keys != null) {
                KeyWriter keyWriter = writer.addKeys(KeyFilter.RATE_DEFAULT);
                keys.forEach(key -> append(keyWriter, key));
            }
            return finish(writer, FILE_ID);
        }
    }

    static void append(KeyWriter writer, byte[] key) {
        writer.append(MemorySegment.ofArray(key), 0, key.length);
    }

    CFileWriter.Written finish(CFileWriter writer, long fileId) {
        return finish(writer, fileId, new byte[] {1, 2, 3});
    }

    CFileWriter.Written finish(CFileWriter writer, long fileId, byte[] metadata) {
        IoQueue queue = io.borrow();
        try {
            var destination = new CFileWriter.Destination(disk, PATH, fileId, OWNER_ID);
            return writer.finish(destination, metadata, queue);
        } finally {
            io.giveBack(queue);
        }
    }

    CFileReader open() {
        return CFileReader.open(new CFileReader.Source(disk, PATH, FILE_ID, OWNER_ID), cache, account);
    }

    @Override
    public void close() {
        cache.close();
        scratch.close();
        io.close();
        account.close();
        budget.close();
    }
}
