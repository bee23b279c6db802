package io.nyala.io;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * All native calls: the few functions of libc and system calls of Linux that a disk needs. Errors come as {@code
 * -errno}, as the kernel itself answers. Stateless.
 *
 * <p>Initializing this class fails where native access is not allowed or a function is missing; {@link
 * RingDisk#obstacle} tells that in words.
 */
@SuppressWarnings("restricted") // Links to libc; this is the one class that does.
final class Kernel {
    /** Where a call leaves its {@code errno}; see {@link #newErrnoMemory}. */
    private static final StructLayout ERRNO_LAYOUT = Linker.Option.captureStateLayout();

    private static final VarHandle ERRNO =
            ERRNO_LAYOUT.varHandle(PathElement.groupElement("errno")).withInvokeExactBehavior();
    private static final Linker LINKER = Linker.nativeLinker();

    private static final MethodHandle SYSCALL = function(
            "syscall",
            FunctionDescriptor.of(
                    JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
            Linker.Option.firstVariadicArg(1));
    private static final MethodHandle OPEN = function(
            "open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT), Linker.Option.firstVariadicArg(2));
    private static final MethodHandle FCNTL = function(
            "fcntl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT), Linker.Option.firstVariadicArg(2));
    private static final MethodHandle CLOSE = function("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle LSEEK =
            function("lseek", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle FTRUNCATE =
            function("ftruncate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MMAP = function(
            "mmap", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP =
            function("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle MADVISE =
            function("madvise", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle EVENTFD =
            function("eventfd", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle WRITE =
            function("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));

    // The same on all architectures.
    private static final long IO_URING_SETUP = 425;
    private static final long IO_URING_ENTER = 426;
    private static final boolean IS_ARM = System.getProperty("os.arch").equals("aarch64");
    private static final long PREADV2 = IS_ARM ? 286 : 327;
    private static final long PWRITEV2 = IS_ARM ? 287 : 328;
    private static final long FDATASYNC = IS_ARM ? 83 : 75;
    private static final long FALLOCATE = IS_ARM ? 47 : 285;
    private static final long FILE_CONTROL = IS_ARM ? 25 : 72;
    private static final long STATX = IS_ARM ? 291 : 332;
    private static final int O_RDWR = 2;
    private static final int O_CREAT = 0100;
    private static final int O_EXCL = 0200;
    private static final int O_CLOEXEC = 02000000;
    private static final int O_DIRECT = IS_ARM ? 0200000 : 040000;
    private static final int F_SETFL = 4;
    private static final long F_SET_RW_HINT = 1036;
    private static final long AT_EMPTY_PATH = 0x1000;
    private static final int SEEK_END = 2;
    private static final int FILE_MODE = 0644;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED_POPULATE = 0x8001;
    private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022;
    private static final int EFD_CLOEXEC = O_CLOEXEC;

    /** What is written to an eventfd. Never changes, never freed. */
    private static final MemorySegment ONE = Arena.global().allocateFrom(JAVA_LONG, 1);

    private Kernel() {}

    /** Does nothing but initialize this class, or throw a LinkageError. */
    static void load() {}

    /** Memory for a caller that makes many calls on one thread. */
    static MemorySegment newErrnoMemory(Arena arena) {
        return arena.allocate(ERRNO_LAYOUT);
    }

    /** Opens, or creates a file that must not exist; without direct I/O, see {@link #setDirect}. */
    static int open(Path path, Access access, boolean isNew) {
        int flags = O_CLOEXEC | (access == Access.READ_WRITE ? O_RDWR : 0) | (isNew ? O_CREAT | O_EXCL : 0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = newErrnoMemory(arena);
            return result(errno, (int) OPEN.invokeExact(errno, arena.allocateFrom(path.toString()), flags, FILE_MODE));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** From now on transfers bypass the page cache, if the file system can. */
    static int setDirect(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = newErrnoMemory(arena);
            return result(errno, (int) FCNTL.invokeExact(errno, fd, F_SETFL, O_DIRECT));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    static int close(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = newErrnoMemory(arena);
            return result(errno, (int) CLOSE.invokeExact(errno, fd));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** The length of a file. */
    static long bytes(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = newErrnoMemory(arena);
            return result(errno, (long) LSEEK.invokeExact(errno, fd, 0L, SEEK_END));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    static int truncate(int fd, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = newErrnoMemory(arena);
            return result(errno, (int) FTRUNCATE.invokeExact(errno, fd, bytes));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /**
     * Keeps room for bytes of a file, or with {@code FALLOC_FL_PUNCH_HOLE} and {@code FALLOC_FL_KEEP_SIZE} gives it
     * back.
     */
    static int allocate(int fd, int mode, long position, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = newErrnoMemory(arena);
            return (int) result(errno, (long)
                    SYSCALL.invokeExact(errno, FALLOCATE, (long) fd, (long) mode, position, bytes, 0L, 0L));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** Fills in a {@code struct statx} of the file. */
    static int status(int fd, int mask, MemorySegment status) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = newErrnoMemory(arena);
            long self = arena.allocateFrom("").address();
            return (int) result(errno, (long) SYSCALL.invokeExact(
                    errno, STATX, (long) fd, self, AT_EMPTY_PATH, (long) mask, status.address(), 0L));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** How long what is written to the file will stay, one of {@code RWH_WRITE_LIFE_*}. */
    static int hintLifetime(int fd, long lifetime) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = newErrnoMemory(arena);
            MemorySegment hint = arena.allocateFrom(JAVA_LONG, lifetime);
            return (int) result(errno, (long)
                    SYSCALL.invokeExact(errno, FILE_CONTROL, (long) fd, F_SET_RW_HINT, hint.address(), 0L, 0L, 0L));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** Address of memory that takes no room before it is touched. */
    static long reserve(long bytes) {
        return map(bytes, -1, 0, MAP_PRIVATE_ANONYMOUS_NORESERVE);
    }

    /** Address of memory that is shared with the kernel. */
    static long mapShared(int fd, long position, long bytes) {
        return map(bytes, fd, position, MAP_SHARED_POPULATE);
    }

    /** Mapped memory as a segment that nobody but its owner's care keeps from being used too late. */
    static MemorySegment segment(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    static int unmap(long address, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = newErrnoMemory(arena);
            return result(errno, (int) MUNMAP.invokeExact(errno, address, bytes));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    static int advise(long address, long bytes, int advice) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = newErrnoMemory(arena);
            return result(errno, (int) MADVISE.invokeExact(errno, address, bytes, advice));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** A counter that a ring can read and any thread can raise. */
    static int newEvent() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = newErrnoMemory(arena);
            return result(errno, (int) EVENTFD.invokeExact(errno, 0, EFD_CLOEXEC));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    static long raiseEvent(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = newErrnoMemory(arena);
            return result(errno, (long) WRITE.invokeExact(errno, fd, ONE, ONE.byteSize()));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** Makes a ring; its parameters are read and filled in. */
    static long setUpRing(int entries, MemorySegment parameters) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = newErrnoMemory(arena);
            return result(errno, (long)
                    SYSCALL.invokeExact(errno, IO_URING_SETUP, (long) entries, parameters.address(), 0L, 0L, 0L, 0L));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** Submits, and waits for completions. Allocates nothing. */
    static long enterRing(
            MemorySegment errno, int fd, int toSubmit, int completeMin, int flags, MemorySegment argument) {
        try {
            return result(errno, (long) SYSCALL.invokeExact(
                    errno,
                    IO_URING_ENTER,
                    (long) fd,
                    (long) toSubmit,
                    (long) completeMin,
                    (long) flags,
                    argument.address(),
                    argument.byteSize()));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** Reads into the memory that an {@code iovec} names; answers the bytes read. Allocates nothing. */
    static long readVector(MemorySegment errno, int fd, MemorySegment vector, long position) {
        try {
            return result(errno, (long)
                    SYSCALL.invokeExact(errno, PREADV2, (long) fd, vector.address(), 1L, position, 0L, 0L));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** Writes the memory that an {@code iovec} names; answers the bytes written. Allocates nothing. */
    static long writeVector(MemorySegment errno, int fd, MemorySegment vector, long position, int flags) {
        try {
            return result(errno, (long)
                    SYSCALL.invokeExact(errno, PWRITEV2, (long) fd, vector.address(), 1L, position, 0L, (long) flags));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    /** Makes what was written durable, and the length if it changed. Allocates nothing. */
    static long syncData(MemorySegment errno, int fd) {
        try {
            return result(errno, (long) SYSCALL.invokeExact(errno, FDATASYNC, (long) fd, 0L, 0L, 0L, 0L, 0L));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    private static long map(long bytes, int fd, long position, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = newErrnoMemory(arena);
            return result(errno, (long) MMAP.invokeExact(errno, 0L, bytes, PROT_READ_WRITE, flags, fd, position));
        } catch (Throwable e) {
            throw impossible(e);
        }
    }

    private static long result(MemorySegment errno, long answer) {
        return answer == -1 ? -(int) ERRNO.get(errno, 0L) : answer;
    }

    private static int result(MemorySegment errno, int answer) {
        return answer == -1 ? -(int) ERRNO.get(errno, 0L) : answer;
    }

    private static MethodHandle function(String name, FunctionDescriptor descriptor, Linker.Option... options) {
        Linker.Option[] all = Arrays.copyOf(options, options.length + 1);
        all[options.length] = Linker.Option.captureCallState("errno");
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor, all);
    }

    /** A downcall throws nothing; only a wrong signature of ours would. */
    private static AssertionError impossible(Throwable e) {
        return new AssertionError("a native call was made wrongly", e);
    }
}
