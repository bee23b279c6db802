package io.nyala.io;

import io.nyala.memory.Check;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memory.PageSource;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Memory in huge pages, straight from the operating system: mapped without taking room, aligned to 2 MiB, and with the
 * request for huge pages, which makes direct transfers nearly twice as fast as on small ones. It takes room only when
 * touched or populated, and does not count against {@code -XX:MaxDirectMemorySize}.
 *
 * <p>Thread-safe. Memory that is used after {@link #release} ends the process: whoever releases must know that nobody
 * does.
 */
public final class HugePageSource implements PageSource {
    private static final int MADV_HUGEPAGE = 14;
    private static final int MADV_POPULATE_WRITE = 23;
    private static final long SMALL_PAGE_BYTES = 4096;
    private static final Path SWITCH = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");
    private static final VarHandle BYTES = ValueLayout.JAVA_LONG.varHandle();

    private final Map<Long, Long> regions = new HashMap<>(); // Bytes by address; guarded by this.
    private volatile boolean isHugeRefused;

    private HugePageSource() {}

    /** Huge pages where native calls are possible on this system, else what the JDK has. */
    public static PageSource orJdk() {
        String obstacle = RingDisk.nativeObstacle();
        return obstacle == null ? new HugePageSource() : PageSource.jdk();
    }

    @Override
    public MemorySegment reserve(long bytes) {
        Check.positive("bytes", bytes);
        Check.multipleOf("bytes", bytes, REGION_BYTES);
        long mappedBytes = bytes + REGION_BYTES; // So that an aligned piece lies within; the rest goes back at once.
        long mapped = Kernel.reserve(mappedBytes);
        if (mapped < 0 && mapped > -4096) {
            throw new MemoryLimitException(String.format(
                    Locale.ROOT,
                    "cannot reserve %,d bytes of native memory: %s. Lower the limit of the memory budget, or raise"
                            + " that of the address space (ulimit -v, vm.overcommit_memory)",
                    bytes,
                    Errno.text((int) -mapped)));
        }
        long address = (mapped + REGION_BYTES - 1) & -REGION_BYTES;
        unmap(mapped, address - mapped);
        unmap(address + bytes, mapped + mappedBytes - (address + bytes));
        isHugeRefused |= Kernel.advise(address, bytes, MADV_HUGEPAGE) < 0;
        synchronized (this) {
            regions.put(address, bytes);
        }
        return Kernel.segment(address, bytes);
    }

    @Override
    public void populate(MemorySegment part) {
        int answer;
        do {
            answer = Kernel.advise(part.address(), part.byteSize(), MADV_POPULATE_WRITE);
        } while (answer == -Errno.INTERRUPTED || answer == -Errno.AGAIN);
        if (answer == -Errno.INVALID) { // Before Linux 5.14.
            for (long at = 0; at < part.byteSize(); at += SMALL_PAGE_BYTES) {
                long _ = (long) BYTES.getAndAdd(part, at, 0L); // A write that changes nothing, whoever uses it.
            }
        } else if (answer < 0) { // Touching it would end the process.
            throw new MemoryLimitException(String.format(
                    Locale.ROOT,
                    "cannot get %,d bytes of memory from the system: %s. Lower the limit of the memory budget, or free"
                            + " memory",
                    part.byteSize(),
                    Errno.text(-answer)));
        }
    }

    @Override
    public void release(MemorySegment whole) {
        Long bytes;
        synchronized (this) {
            bytes = regions.remove(whole.address());
        }
        if (bytes == null || bytes != whole.byteSize()) {
            throw new IllegalArgumentException("not a region of this source, or already released: " + whole);
        }
        unmap(whole.address(), bytes);
    }

    @Override
    public String description() {
        if (isHugeRefused) {
            return "anonymous mapping, 4 KiB pages: this kernel has no transparent huge pages";
        }
        try {
            if (Files.readString(SWITCH).contains("[never]")) {
                return "anonymous mapping, 4 KiB pages: transparent huge pages are switched off in " + SWITCH;
            }
        } catch (IOException _) {
            return "anonymous mapping; huge pages were asked for, but " + SWITCH + " does not say whether they are on";
        }
        return "anonymous mapping, 2 MiB pages";
    }

    private static void unmap(long address, long bytes) {
        if (bytes > 0 && Kernel.unmap(address, bytes) < 0) {
            throw new IllegalStateException(
                    "munmap of " + bytes + " bytes at 0x" + Long.toHexString(address) + " failed");
        }
    }
}
