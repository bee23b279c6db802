package io.nyala.simulation;

import io.nyala.io.Disk;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** Goal and method: see {@link DiskContract}. */
final class SimulatedDiskContractTest extends DiskContract {
    @Override
    protected Disk newDisk(SplittableRandom random) {
        return new SimulatedDisk(random);
    }

    @Override
    protected Path newDirectory(Disk on) {
        Path path = Path.of("/data");
        on.createDirectories(path);
        return path;
    }
}
