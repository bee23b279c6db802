package io.nyala.engine;

import io.nyala.io.Disk;
import io.nyala.memory.PageSource;
import java.util.function.LongSupplier;

/**
 * The world an engine lives in: what differs between production and a simulation.
 *
 * @param disk where files are; closed by whoever made it
 * @param micros microseconds since 1970, as the system's clock tells; may jump
 * @param pages where native memory comes from
 * @param agents runs the engine's agents; closed by the engine
 */
public record EngineEnvironment(Disk disk, LongSupplier micros, PageSource pages, AgentHost agents) {}
