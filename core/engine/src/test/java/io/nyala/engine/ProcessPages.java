package io.nyala.engine;

import io.nyala.memory.PageSource;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Memory of a simulated process: what it did not give back is free when it has ended. One thread. */
final class ProcessPages implements PageSource {
    private final PageSource source;
    private final List<MemorySegment> reserved = new ArrayList<>();

    ProcessPages(PageSource source) {
        this.source = source;
    }

    @Override
    public MemorySegment reserve(long bytes) {
        MemorySegment region = source.reserve(bytes);
        reserved.add(region);
        return region;
    }

    @Override
    public void populate(MemorySegment part) {
        source.populate(part);
    }

    @Override
    public void release(MemorySegment whole) {
        reserved.removeIf(region -> region.address() == whole.address());
        source.release(whole);
    }

    @Override
    public String description() {
        return source.description();
    }

    /** Whether all was released. */
    boolean isEmpty() {
        return reserved.isEmpty();
    }

    /** The process has ended: nothing uses its memory any more. */
    void end() {
        List.copyOf(reserved).forEach(this::release);
    }
}
