package io.nyala.engine;

import io.nyala.io.HugePageSource;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedClock;
import io.nyala.simulation.SimulatedDisk;
import java.nio.file.Path;
import java.util.SplittableRandom;

/**
 * An engine on a simulated host: disk, clock and the order of all steps come from a seed, and everything is on one
 * thread.
 */
final class World {
    static final Path DIRECTORY = Path.of("/nyala");

    static final Schema SCHEMA = Schema.of(
            Column.key("a", ColumnType.INT32),
            Column.key("b", ColumnType.STRING),
            Column.of("number", ColumnType.INT64).nullable(),
            Column.of("text", ColumnType.STRING).nullable(),
            Column.of("real", ColumnType.DOUBLE));

    static final String TABLE = "t";

    /** Sizes of log segments, from the smallest there are. */
    private static final long[] SEGMENT_BYTES = {128 << 10, 128 << 10, 256 << 10, 1 << 20};

    /** When a tablet flushes by itself: with the first after a few batches. */
    private static final long[] FLUSH_BYTES = {64 << 10, 512 << 10, 768 << 10, 2 << 20};

    private static final int DEFAULT_VARIANT = 1;

    private final SplittableRandom random;
    private final SimulatedDisk disk;
    private EngineConfig config;
    private final SimulatedClock clock = new SimulatedClock();
    private int writers = 1;

    World(SplittableRandom random) {
        this(random, DEFAULT_VARIANT);
    }

    /** A host whose engine has larger logs and MemRowSets, the larger {@code variant}, a number below 4. */
    World(SplittableRandom random, int variant) {
        this(random, new SimulatedDisk(random.split()), config(variant));
    }

    World(SplittableRandom random, SimulatedDisk disk) {
        this(random, disk, config());
    }

    private World(SplittableRandom random, SimulatedDisk disk, EngineConfig config) {
        this.random = random;
        this.disk = disk;
        this.config = config;
    }

    /** Runs engines with so many writers. */
    World withWriters(int newWriters) {
        writers = newWriters;
        return this;
    }

    /** Runs engines with so many workers of maintenance. */
    World withMaintenanceWorkers(int newWorkers) {
        config = config.withMaintenanceWorkers(newWorkers);
        return this;
    }

    SimulatedDisk disk() {
        return disk;
    }

    SimulatedClock clock() {
        return clock;
    }

    static EngineConfig config() {
        return config(DEFAULT_VARIANT);
    }

    private static EngineConfig config(int variant) {
        return EngineConfig.in(DIRECTORY)
                .withMemoryBytes(512 << 20) // Many scans over many rowsets; what is not used costs nothing.
                .withCacheBytes(4 << 20)
                .withMaintenanceWorkers(1) // Whatever processors there are.
                .withAutomaticMerges(false) // Rowsets are there until a test has them merged.
                .withFlushBytes(FLUSH_BYTES[variant])
                .withLogSegmentBytes(SEGMENT_BYTES[variant]);
    }

    /** Engines flush only when asked to, so that what a test commits stays in the log. */
    World withoutOwnFlushes() {
        config = config.withFlushBytes(8 << 20);
        return this;
    }

    /** Rowsets are merged without anybody's asking, so long after the last flush of their tablet. */
    World withAutomaticMerges(long delayMillis) {
        config = config.withAutomaticMerges(true).withMergeDelayMillis(delayMillis);
        return this;
    }

    /** From so many delta files of a rowset on some become one, if merges are automatic. */
    World withDeltaFilesMin(int min) {
        config = config.withDeltaFilesMin(min);
        return this;
    }

    /** Rowsets are written again, if merges are automatic, from so many changes on. */
    World withChangePercentMin(int min) {
        config = config.withChangePercentMin(min);
        return this;
    }

    /** Who writes is slowed, if merges are automatic, from so many rowsets on that lie over each other. */
    World withSlowdownHeight(int height) {
        config = config.withSlowdownHeight(height);
        return this;
    }

    /** The storage log begins anew after so many edits. */
    World withCatalogEdits(int max) {
        config = config.withCatalogEditsMax(max);
        return this;
    }

    /** Opens the engine, on this host as it is now. */
    Running open() {
        return open(config.withWriters(writers));
    }

    /** As {@link #open()}, set up differently. */
    Running open(EngineConfig config) {
        var host = new StepHost(random.split(), times -> clock.advanceMicros((long) times * random.nextInt(200)));
        var pages = new ProcessPages(HugePageSource.orJdk());
        var environment = new EngineEnvironment(disk, clock.microsSource(), pages, host);
        return new Running(Engine.open(config, environment), host, pages);
    }

    /** An open engine, the host that it runs on, and its memory. */
    record Running(Engine engine, StepHost host, ProcessPages pages) {
        Table table() {
            return engine.table(TABLE).orElseGet(() -> engine.createTable(TABLE, SCHEMA));
        }
    }
}
