package io.nyala.cli;

import io.nyala.engine.EngineConfig;
import java.nio.file.Path;

/** How the engines of crash rounds are set up: to flush and to roll the log all the time. Stateless. */
final class CrashSetup {
    private static final long KIB = 1L << 10;
    private static final long MIB = 1L << 20;

    /** Rows in memory at scale 1 over this are the rowsets that a run leaves, about. */
    private static final double FLUSH_BYTES_PER_SCALE = 20.0 * MIB;

    private static final long FLUSH_BYTES_MIN = 256 * KIB;
    private static final long FLUSH_BYTES_MAX = 30 * MIB;

    private CrashSetup() {}

    /** Of the process that is killed: little memory. */
    static EngineConfig writer(Path directory, double scale) {
        return with(EngineConfig.in(directory).withMemoryBytes(192 * MIB), scale);
    }

    /** Of the process that checks: a scan in key order reads all rowsets at once. */
    static EngineConfig checker(Path directory, double scale) {
        return with(EngineConfig.in(directory), scale);
    }

    private static EngineConfig with(EngineConfig config, double scale) {
        long flushBytes = Math.clamp((long) (scale * FLUSH_BYTES_PER_SCALE), FLUSH_BYTES_MIN, FLUSH_BYTES_MAX);
        return config.withFlushBytes(flushBytes).withLogSegmentBytes(16 * MIB);
    }
}
