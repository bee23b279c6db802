package io.nyala.memory;

import java.lang.foreign.MemorySegment;

/**
 * Where a {@link MemoryBudget} takes its memory from. The operating system is behind it: huge pages and early
 * population are its business, sharing out is the budget's.
 *
 * <p>Thread-safe. The source owns what it reserves until {@link #release}; reserved memory may be used from any thread.
 */
public interface PageSource {
    /** Unit and alignment of all regions: one huge page. */
    long REGION_BYTES = 2L << 20;

    /**
     * A region that is zero when first read and starts at a multiple of {@link #REGION_BYTES}, of which {@code bytes}
     * is a multiple.
     */
    MemorySegment reserve(long bytes);

    /** Makes a part of a region resident, so that its first use does not have to wait for the operating system. */
    void populate(MemorySegment part);

    /** Gives a whole region back. Nothing may use it from now on. */
    void release(MemorySegment whole);

    /** What this is, for messages and logs: {@code "JDK arena, 4 KiB pages"}. */
    String description();

    /** The source that works wherever a JVM does. */
    static PageSource jdk() {
        return new JdkPageSource();
    }
}
