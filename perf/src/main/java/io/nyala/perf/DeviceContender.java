package io.nyala.perf;

import io.nyala.memory.Check;
import java.io.IOException;
import java.nio.file.Path;

/** Who does the jobs of {@link DeviceSideBySide}. One thread. */
interface DeviceContender extends AutoCloseable {
    /** This part of a run comes before it is counted: the compiler, the first use of the memory. */
    int WARM_UP_PART = 4;

    String name();

    /**
     * Does a job for so long, over and over the same file.
     *
     * @param isHuge whether the memory of the transfers shall be on huge pages
     */
    Sample run(Job job, boolean isHuge, Path file, long nanos) throws IOException, InterruptedException;

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

    /**
     * Transfers of one kind, so many in flight at any time, that fio and our disks both can be told to do. Immutable.
     *
     * @param kind what is done to the file
     * @param isRandom whether positions are drawn at random; otherwise they ascend, and begin anew at the end
     * @param bytes of each transfer
     * @param depth transfers in flight
     */
    record Job(Kind kind, boolean isRandom, int bytes, int depth) {
        private static final int KIB = 1024;

        public Job {
            Check.powerOfTwo("bytes", bytes);
            Check.inRange("depth", depth, 1, KIB);
        }

        /** What a transfer does. */
        enum Kind {
            READ("read"),
            WRITE("write"),
            WRITE_DURABLE("durable write");

            private final String text;

            Kind(String text) {
                this.text = text;
            }
        }

        @Override
        public String toString() {
            return bytes / KIB + " KiB " + (isRandom ? "random " : "sequential ") + kind.text + ", depth " + depth;
        }
    }
}
