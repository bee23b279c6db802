package io.nyala.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.testkit.Seed;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: regions are aligned, zero, apart, and really given back. Method: random regions, looked up in the system's list
 * of mappings.
 */
final class HugePageSourceTest {
    private static final long MIB = 1L << 20;

    @RepeatedTest(4)
    void regionsAreAlignedZeroAndApart(@Seed SplittableRandom random) {
        PageSource source = HugePageSource.orJdk();
        List<MemorySegment> regions = new ArrayList<>();
        for (int i = 1; i <= 8; i++) {
            MemorySegment region = source.reserve(random.nextLong(1, 4) * PageSource.REGION_BYTES);
            assertEquals(0, region.address() % PageSource.REGION_BYTES);
            if (random.nextBoolean()) {
                source.populate(region.asSlice(0, PageSource.REGION_BYTES));
            }
            for (long at = 0; at < region.byteSize(); at += 4096) {
                assertEquals(0, region.get(ValueLayout.JAVA_LONG, at));
                region.set(ValueLayout.JAVA_LONG, at, i);
            }
            regions.add(region);
        }
        for (int i = 1; i <= 8; i++) {
            assertEquals(
                    i,
                    regions.get(i - 1)
                            .get(ValueLayout.JAVA_LONG, regions.get(i - 1).byteSize() - 4096));
        }
        regions.forEach(source::release);
        assertThrows(IllegalArgumentException.class, () -> source.release(regions.getFirst()));
    }

    @Test
    void takesNoRoomBeforeItIsPopulated() throws IOException {
        assumeTrue(Files.exists(Path.of("/proc/self/smaps")), "not Linux");
        PageSource source = HugePageSource.orJdk();
        MemorySegment region = source.reserve(64 * MIB);
        assumeTrue(source instanceof HugePageSource, source.description());
        assertEquals(0, residentBytes(region.address()));
        source.populate(region.asSlice(0, 8 * MIB));
        assertEquals(8 * MIB, residentBytes(region.address()));
        source.release(region);
        assertEquals(-1, residentBytes(region.address()), "still mapped");
    }

    @Test
    void asksForHugePages() throws IOException {
        assumeTrue(Files.exists(Path.of("/sys/kernel/mm/transparent_hugepage/enabled")), "no huge pages here");
        PageSource source = HugePageSource.orJdk();
        assumeTrue(source instanceof HugePageSource, source.description());
        MemorySegment region = source.reserve(PageSource.REGION_BYTES);
        assertTrue(
                List.of(line(region.address(), "VmFlags:").split(" ")).contains("hg"),
                () -> "not advised: " + source.description());
        source.release(region);
    }

    @Test
    void memoryThatTheSystemDoesNotGiveIsAnError() {
        PageSource source = HugePageSource.orJdk();
        assumeTrue(source instanceof HugePageSource, source.description());
        MemorySegment region = source.reserve(PageSource.REGION_BYTES);
        source.release(region);
        assertThrows(MemoryLimitException.class, () -> source.populate(region));
    }

    @Test
    void carriesAMemoryBudget() {
        try (MemoryBudget budget = MemoryBudget.open(HugePageSource.orJdk(), 64 * MIB)) {
            budget.populate();
            try (MemoryAccount account = budget.account("test", 0)) {
                Slab slab = account.take(64 << 10);
                slab.segment().set(ValueLayout.JAVA_LONG, 0, 7);
                account.giveBack(slab);
            }
        }
    }

    @Test
    void describesItself() {
        assertFalse(HugePageSource.orJdk().description().isBlank());
        assertThrows(
                IllegalArgumentException.class, () -> HugePageSource.orJdk().reserve(4096));
    }

    /** Resident bytes of the mapping that holds an address, or -1 if there is none. */
    private static long residentBytes(long address) throws IOException {
        String line = line(address, "Rss:");
        return line.isEmpty() ? -1 : Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
    }

    /** What the system says of the mapping that holds an address; empty if there is none. */
    private static String line(long address, String key) throws IOException {
        boolean isInside = false;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                long from = Long.parseUnsignedLong(line.substring(0, line.indexOf('-')), 16);
                long to = Long.parseUnsignedLong(line.substring(line.indexOf('-') + 1, line.indexOf(' ')), 16);
                isInside = Long.compareUnsigned(from, address) <= 0 && Long.compareUnsigned(address, to) < 0;
            } else if (isInside && line.startsWith(key)) {
                return line;
            }
        }
        return "";
    }
}
