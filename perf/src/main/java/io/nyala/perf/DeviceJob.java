package io.nyala.perf;

import io.nyala.memory.Check;

/**
 * Transfers of one kind, so many in flight at any time, that fio and our disks both can be told to do. Immutable.
 *
 * @param kind what is done to the file
 * @param isRandom whether positions are drawn at random; otherwise they ascend, and begin anew at the end
 * @param bytes of each transfer
 * @param depth transfers in flight
 */
record DeviceJob(Kind kind, boolean isRandom, int bytes, int depth) {
    private static final int KIB = 1024;

    DeviceJob {
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
