package io.nyala.io;

import java.lang.foreign.MemorySegment;
import java.util.function.LongSupplier;

/**
 * The system calls that change files, as a disk makes them: they answer what they have done, or {@code -errno}. Behind
 * an interface for a test's sake, which answers as kernels seldom do; stateless.
 */
interface KernelCalls {
    KernelCalls REAL = new KernelCalls() {};

    /** See {@link Kernel#enterRing}. */
    default long enterRing(Ring ring, int toSubmit, int completeMin, int flags, MemorySegment argument) {
        return Kernel.enterRing(ring.errno(), ring.fd(), toSubmit, completeMin, flags, argument);
    }

    /** See {@link Kernel#readVector}. */
    default long readVector(MemorySegment errno, int fd, MemorySegment vector, long position) {
        return Kernel.readVector(errno, fd, vector, position);
    }

    /** See {@link Kernel#writeVector}. */
    default long writeVector(MemorySegment errno, int fd, MemorySegment vector, long position, int flags) {
        return Kernel.writeVector(errno, fd, vector, position, flags);
    }

    /** See {@link Kernel#syncData}. */
    default long syncData(MemorySegment errno, int fd) {
        return Kernel.syncData(errno, fd);
    }

    /** See {@link Kernel#allocate}. */
    default long allocate(int fd, int mode, long position, long bytes) {
        return Kernel.allocate(fd, mode, position, bytes);
    }

    /** See {@link Kernel#truncate}. */
    default long truncate(int fd, long bytes) {
        return Kernel.truncate(fd, bytes);
    }

    /** What a call answers that a signal has not interrupted; asked for again a limited number of times. */
    static long uninterrupted(LongSupplier call) {
        long answer = call.getAsLong();
        for (int i = 0; i < Progress.RETRIES_MAX && answer == -Errno.INTERRUPTED; i++) {
            answer = call.getAsLong();
        }
        return answer;
    }
}
