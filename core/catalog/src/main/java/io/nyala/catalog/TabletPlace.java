package io.nyala.catalog;

import io.nyala.partition.Partition;

/**
 * A tablet and which part of its table it is. Immutable.
 *
 * @param id unique on its host, never used again
 */
public record TabletPlace(long id, Partition partition) {}
