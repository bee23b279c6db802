package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.wal.WalConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Goal: nobody keeps scans from the memory that one of them needs, and many workers that merge do not take all that
 * there is. Method: others take everything that is left; by example.
 */
final class EngineMemoryTest {
    private static final long MIB = 1 << 20;
    private static final Path DIRECTORY = Path.of("/data");

    private static EngineConfig config(long memoryBytes) {
        return EngineConfig.in(DIRECTORY).withMemoryBytes(memoryBytes).withLogSegmentBytes(MIB);
    }

    private static List<Slab> takeAll(MemoryAccount account, long slabBytes) {
        List<Slab> taken = new ArrayList<>();
        for (Slab slab = account.tryTake(slabBytes); slab != null; slab = account.tryTake(slabBytes)) {
            taken.add(slab);
        }
        return taken;
    }

    @Test
    void aScanFindsMemoryWhateverMergesTake() {
        EngineConfig config = config(128 * MIB);
        WalConfig log = WalConfig.in(DIRECTORY).withSegmentBytes(MIB);
        try (var memory = new EngineMemory(PageSource.jdk(), config, log, log)) {
            List<Slab> ofMerges = takeAll(memory.merges(), 2 * MIB);
            List<Slab> ofScans = new ArrayList<>();
            for (long bytes = 0; bytes < 4 * MIB; bytes += MIB / 16) {
                Slab slab = memory.scans().tryTake(MIB / 16);
                assertNotNull(slab, "a scan has " + bytes + " bytes, and no more are left");
                ofScans.add(slab);
            }
            ofMerges.forEach(memory.merges()::giveBack);
            ofScans.forEach(memory.scans()::giveBack);
        }
    }

    @Test
    void manyWorkersDoNotTakeAllMemoryToMerge() {
        assertEquals(64 * MIB, EngineMemory.mergeBytesMax(config(1024 * MIB).withMaintenanceWorkers(2)));
        assertEquals(192 * MIB, EngineMemory.mergeBytesMax(config(1024 * MIB).withMaintenanceWorkers(4)));
        assertEquals(256 * MIB, EngineMemory.mergeBytesMax(config(1024 * MIB).withMaintenanceWorkers(8)));
        assertEquals(64 * MIB, EngineMemory.mergeBytesMax(config(256 * MIB).withMaintenanceWorkers(8)));
    }
}
