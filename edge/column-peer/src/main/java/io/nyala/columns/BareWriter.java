package io.nyala.columns;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * The device by itself, beside a measurement: a block of 4 KiB is written and forced a hundred times a second. In a
 * second in which this is slow too, it is the device that stands still.
 *
 * <p>{@link #run} is for a thread of its own, {@link #stop} and the counts for any.
 */
public final class BareWriter implements Runnable {
    public static final int BLOCK_BYTES = 4096;
    private static final int BLOCKS = 1024;
    private static final long INTERVAL_NANOS = 10_000_000;

    private final Path file;
    private final AtomicLong blocks = new AtomicLong();
    private final AtomicLong longestNanos = new AtomicLong();
    private volatile boolean isOver;

    /** @param file is made, and is gone in the end */
    public BareWriter(Path file) {
        this.file = file;
    }

    @Override
    public void run() {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
            for (int i = 0; i < BLOCKS; i++) {
                channel.write(block.clear(), (long) i * BLOCK_BYTES);
            }
            channel.force(true);
            long next = System.nanoTime();
            for (int i = 0; !isOver; i++) {
                LockSupport.parkNanos(next - System.nanoTime());
                long before = System.nanoTime();
                channel.write(block.clear(), (long) (i % BLOCKS) * BLOCK_BYTES);
                channel.force(false);
                long after = System.nanoTime();
                blocks.incrementAndGet();
                longestNanos.accumulateAndGet(after - before, Math::max);
                next = Math.max(next + INTERVAL_NANOS, after); // What was missed is not caught up on.
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            delete();
        }
    }

    private void delete() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public void stop() {
        isOver = true;
    }

    /** Written so far. */
    public long blocks() {
        return blocks.get();
    }

    /** The longest write since this was asked last. */
    public long takeLongestNanos() {
        return longestNanos.getAndSet(0);
    }
}
