package io.nyala.wal;

import io.nyala.io.Disk;
import io.nyala.memory.Check;
import java.nio.file.Path;
import java.util.Objects;

/**
 * How a log writes. Immutable; a change is a copy:
 *
 * <pre>{@code
 * var config = WalConfig.in(Path.of("/data/wal")).withSegmentBytes(128 * MIB);
 * }</pre>
 *
 * @param directory where segments live; must exist
 * @param segmentBytes size at which the log rolls to a new segment; a power of two
 * @param bufferBytes memory for what is appended and not yet written; appenders beyond it wait
 * @param inFlightMax most writes in flight; what is appended beyond it is gathered into one
 * @param sparesMax most released segments kept for reuse; more are deleted
 * @param segmentsMax most segments that the log consists of; at that many, appenders wait until one is released. What
 *     is on disk are as many files, and the spares
 */
public record WalConfig(
        Path directory, long segmentBytes, int bufferBytes, int inFlightMax, int sparesMax, int segmentsMax) {
    private static final long KIB = 1L << 10;
    private static final long MIB = 1L << 20;

    /** Nobody reads as many at a start. */
    private static final int SEGMENTS_MAX = 1 << 16;

    /**
     * Sectors of a segment that a payload cannot use: segment header, START, MARK, record header, and the last ROLL or
     * SEAL.
     */
    private static final long OVERHEAD_BYTES = 6L * Disk.ALIGNMENT_BYTES;

    public WalConfig {
        Objects.requireNonNull(directory, "directory");
        Check.powerOfTwo("segmentBytes", segmentBytes);
        Check.inRange("segmentBytes", segmentBytes, 32 * KIB, 1024 * MIB);
        Check.multipleOf("bufferBytes", bufferBytes, Disk.ALIGNMENT_BYTES);
        Check.inRange("bufferBytes", bufferBytes, bufferBytesMin(segmentBytes), 64 * MIB);
        Check.inRange("inFlightMax", inFlightMax, 1, 32);
        Check.inRange("sparesMax", sparesMax, 0, 1024);
        Check.inRange(
                "segmentsMax", segmentsMax, 3, SEGMENTS_MAX); // That is written, that is next, and one to release.
    }

    /** The defaults, which suit a log on a local NVMe device. */
    public static WalConfig in(Path directory) {
        return new WalConfig(directory, 64 * MIB, (int) (16 * MIB), 2, 4, SEGMENTS_MAX);
    }

    /** Also sets {@link #bufferBytes} to what suits segments of that size. */
    public WalConfig withSegmentBytes(long bytes) {
        Check.inRange("segmentBytes", bytes, 32 * KIB, 1024 * MIB);
        int buffer = (int) Math.min(16 * MIB, 2 * bytes);
        return new WalConfig(directory, bytes, buffer, inFlightMax, sparesMax, segmentsMax);
    }

    public WalConfig withBufferBytes(int bytes) {
        return new WalConfig(directory, segmentBytes, bytes, inFlightMax, sparesMax, segmentsMax);
    }

    public WalConfig withInFlightMax(int count) {
        return new WalConfig(directory, segmentBytes, bufferBytes, count, sparesMax, segmentsMax);
    }

    public WalConfig withSparesMax(int count) {
        return new WalConfig(directory, segmentBytes, bufferBytes, inFlightMax, count, segmentsMax);
    }

    public WalConfig withSegmentsMax(int count) {
        return new WalConfig(directory, segmentBytes, bufferBytes, inFlightMax, sparesMax, count);
    }

    /** Largest payload of one record: 8 MiB, or what a segment holds. */
    public int payloadBytesMax() {
        return payloadBytesMax(segmentBytes);
    }

    /** What the log takes from its account: the buffer, and the smaller one that segments are prepared from. */
    public long memoryBytes() {
        return bufferBytes + (long) SegmentPreparer.BUFFER_BYTES;
    }

    private static int payloadBytesMax(long segmentBytes) {
        return (int) Math.min(RecordFormat.PAYLOAD_BYTES_MAX, segmentBytes - OVERHEAD_BYTES);
    }

    /** The largest record must fit when nothing else is buffered. */
    private static long bufferBytesMin(long segmentBytes) {
        return RecordFormat.nextWrite(payloadBytesMax(segmentBytes) + OVERHEAD_BYTES);
    }
}
