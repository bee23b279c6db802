package io.nyala.io;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import org.jspecify.annotations.Nullable;

/**
 * What direct transfers to a file must be multiples of, as Linux 6.1 and newer tell it, and whether ours are. Of
 * {@code struct statx}:
 *
 * <pre>{@code
 *   0       4                  152               156
 *   +-------+------ - - -------+-----------------+--------------------+-- - -- 256
 *   | mask  |                  | of memory       | of file positions  |
 *   +-------+------ - - -------+-----------------+--------------------+-- - --
 * }</pre>
 *
 * Both are powers of two, and 0 where the file cannot be transferred directly. Stateless.
 */
final class DirectAlignment {
    private static final int STATX_DIOALIGN = 0x2000;

    static final StructLayout STATUS = MemoryLayout.structLayout(
            JAVA_INT.withName("mask"),
            MemoryLayout.paddingLayout(148),
            JAVA_INT.withName("memory"),
            JAVA_INT.withName("position"),
            MemoryLayout.paddingLayout(96));

    private static final long MASK = STATUS.byteOffset(PathElement.groupElement("mask"));
    private static final long MEMORY = STATUS.byteOffset(PathElement.groupElement("memory"));
    private static final long POSITION = STATUS.byteOffset(PathElement.groupElement("position"));

    private DirectAlignment() {}

    /** Why a file cannot be read and written directly by transfers such as ours, or null if it may be tried. */
    static @Nullable String obstacle(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(STATUS);
            int answer = Kernel.status(fd, STATX_DIOALIGN, status);
            return answer < 0 ? null : obstacle(status);
        }
    }

    /**
     * A kernel that does not say it knows no device with sectors larger than a page of memory; should one refuse our
     * transfers all the same, then {@link Errno#text} tells what may be the reason.
     */
    static @Nullable String obstacle(MemorySegment status) {
        if ((status.get(JAVA_INT, MASK) & STATX_DIOALIGN) == 0) {
            return null;
        }
        int memory = status.get(JAVA_INT, MEMORY);
        int position = status.get(JAVA_INT, POSITION);
        if (memory == 0 || position == 0) {
            return "its file system has no direct I/O for it";
        }
        if (Disk.ALIGNMENT_BYTES % memory != 0 || Disk.ALIGNMENT_BYTES % position != 0) {
            return "its device wants memory aligned to " + memory + " bytes and positions to " + position
                    + ", our transfers are to " + Disk.ALIGNMENT_BYTES;
        }
        return null;
    }
}
