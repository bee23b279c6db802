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

    private final SplittableRandom random;
    private final SimulatedDisk disk;
    private final SimulatedClock clock = new SimulatedClock();

    World(SplittableRandom random) {
        this(random, new SimulatedDisk(random.split()));
    }

    World(SplittableRandom random, SimulatedDisk disk) {
        this.random = random;
        this.disk = disk;
    }

    SimulatedDisk disk() {
        return disk;
    }

    SimulatedClock clock() {
        return clock;
    }

    static EngineConfig config() {
        return EngineConfig.in(DIRECTORY)
                .withMemoryBytes(64 << 20)
                .withCacheBytes(4 << 20)
                .withFlushBytes(64 << 10)
                .withLogSegmentBytes(128 << 10);
    }

    /** Opens the engine, on this host as it is now. */
    Running open() {
        var host = new StepHost(random.split(), () -> clock.advanceMicros(random.nextInt(200)));
        var environment = new EngineEnvironment(disk, clock.microsSource(), HugePageSource.orJdk(), host);
        return new Running(Engine.open(config(), environment), host);
    }

    /** An open engine and the host that it runs on. */
    record Running(Engine engine, StepHost host) {
        Table table() {
            return engine.table(TABLE).orElseGet(() -> engine.createTable(TABLE, SCHEMA));
        }
    }
}
