package io.nyala.io;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Transfers through a {@code FileChannel}. One thread, but for {@code wake}. */
final class ChannelQueue extends DoneQueue {
    ChannelQueue(int depthMax) {
        super(depthMax);
    }

    @Override
    public void read(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        ChannelFile target = checked(file);
        Transfers.checkRead(file, position, memory, offset, bytes);
        try {
            complete(token, target.read(memory.asSlice(offset, bytes).asByteBuffer(), position), null);
        } catch (IOException e) {
            complete(token, 0, failure("read", file, position, bytes, e));
        }
    }

    @Override
    public void write(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        ChannelFile target = checked(file);
        Transfers.checkWrite(file, position, memory, offset, bytes);
        try {
            target.write(memory.asSlice(offset, bytes).asByteBuffer(), position);
            complete(token, bytes, null);
        } catch (IOException e) {
            complete(token, 0, failure("write", file, position, bytes, e));
        }
    }

    @Override
    public void writeDurable(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        ChannelFile target = checked(file);
        Transfers.checkWrite(file, position, memory, offset, bytes);
        try {
            target.write(memory.asSlice(offset, bytes).asByteBuffer(), position);
            target.sync();
            complete(token, bytes, null);
        } catch (IOException e) {
            complete(token, 0, failure("durable write", file, position, bytes, e));
        }
    }

    @Override
    public void sync(DiskFile file, long token) {
        ChannelFile target = checked(file);
        try {
            target.sync();
            complete(token, 0, null);
        } catch (IOException e) {
            complete(token, 0, DiskException.of("sync", file.path(), e));
        }
    }

    private ChannelFile checked(DiskFile file) {
        if (!(file instanceof ChannelFile target)) {
            throw ofAnotherDisk(file);
        }
        target.checkOpen();
        throwUnlessRoom();
        return target;
    }

    private static DiskException failure(String operation, DiskFile file, long position, int bytes, IOException cause) {
        String reason = DiskException.reason(cause);
        return DiskException.ofTransfer(
                operation, file.path(), position, bytes, DiskException.kind(cause, reason), reason);
    }
}
