package io.nyala.perf;

import java.io.IOException;
import java.nio.file.Path;

/** Who does the jobs of {@link DeviceSideBySide}. One thread. */
interface DeviceContender extends AutoCloseable {
    String name();

    /**
     * Does a job for so long, over and over the same file.
     *
     * @param isHuge whether the memory of the transfers shall be on huge pages
     */
    Sample run(DeviceJob job, boolean isHuge, Path file, long nanos) throws IOException, InterruptedException;

    @Override
    void close();

    /**
     * What a run showed.
     *
     * @param perSecond transfers
     * @param cpuMicros CPU time of a transfer, user's and system's, of the whole process
     * @param heapBytes allocated on the heap for a transfer; of no meaning for a process without one
     */
    record Sample(double perSecond, double cpuMicros, double heapBytes) {}
}
