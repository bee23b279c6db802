package io.nyala.perf;

import io.nyala.io.Disk;
import io.nyala.perf.CommitLoad.Committer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The bare durable write: blocks that were written before are written again and forced, one commit at a time. What a
 * file can do by the JDK's means.
 */
final class FileCommitter implements Committer {
    private static final int BLOCKS = 4096;

    private final Path file;
    private final FileChannel channel;
    private final ByteBuffer block;
    private int next;
    private final AtomicLong forces = new AtomicLong();

    FileCommitter(Path directory, int rows) {
        int blockBytes = (rows * ROW_BYTES + Disk.ALIGNMENT_BYTES - 1) / Disk.ALIGNMENT_BYTES * Disk.ALIGNMENT_BYTES;
        block = ByteBuffer.allocateDirect(blockBytes);
        try {
            file = Files.createTempFile(directory, "forced", ".log");
            channel = FileChannel.open(file, StandardOpenOption.WRITE);
            for (int i = 0; i < BLOCKS; i++) {
                channel.write(block.clear(), (long) i * blockBytes);
            }
            channel.force(true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String name() {
        return "write + force";
    }

    @Override
    public synchronized void commit(int caller) {
        try {
            channel.write(block.clear(), (long) next * block.capacity());
            channel.force(false);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        next = (next + 1) % BLOCKS;
        forces.incrementAndGet();
    }

    @Override
    public long flushes() {
        return forces.get();
    }

    @Override
    public void settle() {}

    @Override
    public void close() {
        try {
            channel.close();
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
