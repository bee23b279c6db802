package io.nyala.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * All native memory as one constant segment, for the innermost loops, and the check that comes before such a loop.
 *
 * <p>What the compiler makes of an access depends on the kinds of segments that all of the process has seen there.
 * Where these were native and heap ones, and the Vector API itself makes some of the heap while it is not compiled yet,
 * each access asks again what kind it has, how long it is and whether it is still open: a loop of a few vector
 * operations takes three to four times as long. Of a constant all of this is known, and a loop is left with its
 * operations.
 *
 * <p>The price is that bounds and lifetime are checked once, before the loop. So whoever closes memory while a kernel
 * is in it gets no exception but a crash; but kernels take well under a microsecond, and work on memory that their
 * caller holds.
 *
 * <p>Stateless and thread-safe.
 */
final class NativeMemory {
    /** An offset is an address. */
    @SuppressWarnings("restricted") // Only reached through an address that was checked by one of the methods here.
    static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    /**
     * What an address that a loop computes is masked with, which changes none: the compiler sees then that it is within
     * bounds, and neither compares it each time nor makes a loop within a loop so as not to.
     */
    static final long ADDRESSES = -1L >>> Byte.SIZE;

    private NativeMemory() {}

    /** The address of {@code bytes} bytes, at least one, that may be read. */
    static long readable(MemorySegment segment, long offset, long bytes) {
        Objects.checkFromIndexSize(offset, bytes, segment.byteSize());
        segment.get(ValueLayout.JAVA_BYTE, offset); // Throws where memory was closed, or is another thread's.
        if (!segment.isNative()) {
            throw new IllegalArgumentException("kernels work on native memory, not on " + segment);
        }
        return segment.address() + offset;
    }

    /** The address of {@code bytes} bytes, at least one, that may be written. */
    static long writable(MemorySegment segment, long offset, long bytes) {
        if (segment.isReadOnly()) {
            throw new IllegalArgumentException("kernels cannot write to " + segment);
        }
        return readable(segment, offset, bytes);
    }
}
