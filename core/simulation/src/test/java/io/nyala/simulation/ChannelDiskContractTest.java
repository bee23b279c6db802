package io.nyala.simulation;

import io.nyala.io.Disk;
import io.nyala.io.Disks;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;

/** Goal and method: see {@link DiskContract}. */
class ChannelDiskContractTest extends DiskContract {
    @TempDir
    Path temporary = Path.of("");

    @Override
    protected Disk newDisk(SplittableRandom random) {
        return Disks.channel();
    }

    @Override
    protected Path newDirectory(Disk on) {
        return temporary;
    }
}
