package io.nyala.io;

import java.nio.file.Files;
import java.nio.file.Path;

/** A file behind a descriptor. Shared by threads. */
final class DescriptorFile implements DiskFile {
    private final Path path;
    private final Access access;
    private final Descriptor descriptor;

    private DescriptorFile(Path path, Access access, Descriptor descriptor) {
        this.path = path;
        this.access = access;
        this.descriptor = descriptor;
    }

    static DescriptorFile create(HostDisk disk, Path path) {
        return open(disk, path, Access.READ_WRITE, true);
    }

    static DescriptorFile open(HostDisk disk, Path path, Access access) {
        if (Files.isDirectory(path)) { // The kernel would open it for reading.
            throw DiskException.of("open", path, DiskException.Kind.OTHER, "is a directory");
        }
        return open(disk, path, access, false);
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public Access access() {
        return access;
    }

    @Override
    public long bytes() {
        int fd = acquire();
        long answer = Kernel.bytes(fd);
        release();
        if (answer < 0) {
            throw Errno.exception("length query", path, -answer);
        }
        return answer;
    }

    @Override
    public void truncate(long bytes) {
        Transfers.checkTruncate(this, bytes);
        int fd = acquire();
        long answer = Kernel.truncate(fd, bytes);
        release();
        if (answer < 0) {
            throw Errno.exception("truncate", path, -answer);
        }
    }

    @Override
    public void close() {
        descriptor.close();
    }

    /** The descriptor, which stays valid until {@link #release}. */
    int acquire() {
        if (!descriptor.acquire()) {
            throw new IllegalStateException(path + " is closed");
        }
        return descriptor.fd();
    }

    /** Only between {@link #acquire} and {@link #release}. */
    int fd() {
        return descriptor.fd();
    }

    void release() {
        descriptor.release();
    }

    private static DescriptorFile open(HostDisk disk, Path path, Access access, boolean isNew) {
        int fd = Kernel.open(path, access, isNew);
        if (fd < 0) {
            throw Errno.exception(isNew ? "create" : "open", path, -fd);
        }
        int answer = Kernel.setDirect(fd);
        if (answer < 0) {
            disk.fellBackToBuffered(path, Errno.text(-answer));
        }
        return new DescriptorFile(path, access, new Descriptor(fd));
    }
}
