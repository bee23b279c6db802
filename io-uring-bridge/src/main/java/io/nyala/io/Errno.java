package io.nyala.io;

import io.nyala.io.DiskException.Kind;
import java.nio.file.Path;

/** The kernel's error numbers in words. Stateless. */
final class Errno {
    static final int INTERRUPTED = 4;
    static final int IO = 5;
    static final int AGAIN = 11;
    static final int BUSY = 16;
    static final int INVALID = 22;
    static final int NO_SYSTEM_CALL = 38;
    static final int TIME = 62;
    static final int NOT_SUPPORTED = 95;

    private Errno() {}

    /** A failed operation that is no transfer. */
    static DiskException exception(String operation, Path path, long errno) {
        return DiskException.of(operation, path, kind((int) errno), text((int) errno));
    }

    static Kind kind(int errno) {
        return switch (errno) {
            case 2 -> Kind.NOT_FOUND;
            case IO -> Kind.IO_ERROR;
            case 1, 13 -> Kind.ACCESS_DENIED;
            case 17 -> Kind.EXISTS;
            case 20 -> Kind.NOT_A_DIRECTORY;
            case 28, 122 -> Kind.NO_SPACE;
            case 30 -> Kind.READ_ONLY;
            default -> Kind.OTHER;
        };
    }

    static String text(int errno) {
        return switch (errno) {
            case 1 -> "not permitted (EPERM)";
            case 2 -> "no such file or directory (ENOENT)";
            case INTERRUPTED -> "interrupted again and again (EINTR)";
            case IO -> "input/output error (EIO)";
            case 9 -> "bad file descriptor (EBADF)";
            case AGAIN -> "resource temporarily unavailable (EAGAIN)";
            case 12 -> "out of memory (ENOMEM); raise the memory limit, or that of locked memory (ulimit -l)";
            case 13 -> "permission denied (EACCES)";
            case 14 -> "bad address (EFAULT)";
            case BUSY -> "busy (EBUSY)";
            case 17 -> "it exists already (EEXIST)";
            case 20 -> "not a directory (ENOTDIR)";
            case 21 -> "is a directory (EISDIR)";
            case 22 ->
                "invalid argument (EINVAL); the device may need transfers aligned to more than " + Disk.ALIGNMENT_BYTES
                        + " bytes";
            case 23 -> "too many open files in the system (ENFILE); raise fs.file-max";
            case 24 -> "too many open files in the process (EMFILE); raise ulimit -n";
            case 27 -> "the file becomes too large (EFBIG)";
            case 28 -> "no space left on device (ENOSPC)";
            case 29 -> "illegal seek (ESPIPE)";
            case 30 -> "read-only file system (EROFS)";
            case 36 -> "the name is too long (ENAMETOOLONG)";
            case NO_SYSTEM_CALL -> "the kernel does not have it (ENOSYS)";
            case 40 -> "too many symbolic links (ELOOP)";
            case NOT_SUPPORTED -> "not supported (EOPNOTSUPP)";
            case 116 -> "stale file handle (ESTALE)";
            case 122 -> "disk quota exceeded (EDQUOT)";
            case 125 -> "cancelled (ECANCELED)";
            default -> "errno " + errno;
        };
    }
}
