package io.nyala.simulation;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.nyala.io.Disk;
import io.nyala.io.Disks;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;

/** Goal and method: see {@link DiskContract}. Skipped, and says so, where native calls are not possible. */
class SyscallDiskContractTest extends DiskContract {
    @TempDir
    Path temporary = Path.of("");

    @Override
    protected Disk newDisk(SplittableRandom random) {
        try {
            return Disks.syscall();
        } catch (UnsupportedOperationException e) {
            assumeTrue(false, String.valueOf(e.getMessage()));
            throw e;
        }
    }

    @Override
    protected Path newDirectory(Disk on) {
        assertTrue(on.description().startsWith("pwritev2"));
        return temporary;
    }
}
