package io.nyala.io;

import io.nyala.io.SeldomKernel.Answer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.CompletionHandler;
import java.nio.channels.FileLock;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;

/** A channel above a {@link SeldomKernel}, whose answers are those that it draws. Shared by threads, as the kernel. */
final class SeldomChannel extends AsynchronousFileChannel {
    private static final int UNAVAILABLE = -2; // As the JDK's own channels answer now and then, though nobody says so.

    private final SeldomKernel kernel;
    private final AsynchronousFileChannel real;

    private SeldomChannel(SeldomKernel kernel, AsynchronousFileChannel real) {
        this.kernel = kernel;
        this.real = real;
    }

    static Disk newDisk(SeldomKernel kernel) {
        return new ChannelDisk("", (path, options) -> open(kernel, path, options));
    }

    private static SeldomChannel open(SeldomKernel kernel, Path path, Set<OpenOption> options) throws IOException {
        return new SeldomChannel(kernel, ChannelDisk.open(path, options));
    }

    @Override
    public Future<Integer> read(ByteBuffer target, long position) {
        return transfer(target, () -> real.read(target, position));
    }

    @Override
    public Future<Integer> write(ByteBuffer source, long position) {
        Future<Integer> answer = transfer(source, () -> real.write(source, position));
        kernel.acted();
        return answer;
    }

    private Future<Integer> transfer(ByteBuffer buffer, Transfer real) {
        Answer answer = kernel.draw();
        switch (answer) {
            case NOTHING -> {
                return CompletableFuture.completedFuture(0);
            }
            case INTERRUPTED, AGAIN -> {
                return CompletableFuture.completedFuture(UNAVAILABLE);
            }
            case PART -> buffer.limit(buffer.position() + (int) kernel.part(buffer.remaining()));
            case WHOLE -> {}
        }
        Future<Integer> future = real.start();
        buffer.limit(buffer.capacity()); // It is done: by this thread.
        return future;
    }

    private interface Transfer {
        Future<Integer> start();
    }

    @Override
    public long size() throws IOException {
        return real.size();
    }

    @Override
    public AsynchronousFileChannel truncate(long size) throws IOException {
        return real.truncate(size);
    }

    @Override
    public void force(boolean metaData) throws IOException {
        real.force(metaData);
    }

    @Override
    public boolean isOpen() {
        return real.isOpen();
    }

    @Override
    public void close() throws IOException {
        real.close();
    }

    @Override
    public <A> void lock(
            long position, long size, boolean shared, A attachment, CompletionHandler<FileLock, ? super A> handler) {
        throw new UnsupportedOperationException("nobody locks");
    }

    @Override
    public Future<FileLock> lock(long position, long size, boolean shared) {
        throw new UnsupportedOperationException("nobody locks");
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) {
        throw new UnsupportedOperationException("nobody locks");
    }

    @Override
    public <A> void read(
            ByteBuffer target, long position, A attachment, CompletionHandler<Integer, ? super A> handler) {
        throw new UnsupportedOperationException("nobody asks so");
    }

    @Override
    public <A> void write(
            ByteBuffer source, long position, A attachment, CompletionHandler<Integer, ? super A> handler) {
        throw new UnsupportedOperationException("nobody asks so");
    }
}
