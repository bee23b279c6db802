package io.nyala.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * Regions from shared JDK arenas, one arena a region. The JDK writes zeros over all of it, so every page is resident
 * from the start: good for tests and small budgets, slow (seconds per GiB) for large ones. Counts against
 * {@code -XX:MaxDirectMemorySize}.
 *
 * <p>Thread-safe.
 */
final class JdkPageSource implements PageSource {
    private final Map<Long, Arena> arenas = new HashMap<>(); // By address of the region; guarded by this.

    @Override
    public synchronized MemorySegment reserve(long bytes) {
        Check.positive("bytes", bytes);
        Check.multipleOf("bytes", bytes, REGION_BYTES);
        Arena arena = Arena.ofShared();
        try {
            MemorySegment region = arena.allocate(bytes, REGION_BYTES);
            arenas.put(region.address(), arena);
            return region;
        } catch (OutOfMemoryError e) {
            arena.close();
            throw new MemoryLimitException(
                    "cannot reserve " + Check.number(bytes) + " bytes of native memory: " + e.getMessage()
                            + ". Lower the limit of the memory budget, or raise -XX:MaxDirectMemorySize (by default as"
                            + " large as -Xmx)",
                    e);
        }
    }

    @Override
    public void populate(MemorySegment part) {
        // Zeroing has made it resident.
    }

    @Override
    public synchronized void release(MemorySegment whole) {
        Arena arena = arenas.remove(whole.address());
        if (arena == null) {
            throw new IllegalArgumentException("not a region of this source, or already released: " + whole);
        }
        arena.close();
    }

    @Override
    public String description() {
        return "JDK arena";
    }
}
