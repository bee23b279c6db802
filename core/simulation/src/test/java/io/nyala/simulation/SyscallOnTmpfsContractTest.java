package io.nyala.simulation;

import io.nyala.io.Disk;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;

/**
 * Goal and method: see {@link DiskContract}; on a file system in memory, where transfers are another matter to the
 * kernel.
 */
final class SyscallOnTmpfsContractTest extends SyscallDiskContractTest {
    private final SharedMemoryDirectory shared = new SharedMemoryDirectory();

    @Override
    protected Path newDirectory(Disk on) {
        super.newDirectory(on);
        return shared.create();
    }

    @AfterEach
    void delete() throws IOException {
        shared.delete();
    }
}
