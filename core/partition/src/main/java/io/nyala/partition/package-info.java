/**
 * Which tablet a row belongs to, and which tablets a scan must ask.
 *
 * <pre>{@code
 *   PartitionSchema + ranges --> PartitionMap --+--> find(row)                 --> index of a partition, or none
 *    (hash levels,               (partitions,   |
 *     range columns)              sorted)       '--> prune(predicates, keys)   --> indexes of partitions
 * }</pre>
 *
 * <ul>
 *   <li><b>Owns</b>: hash levels, range partitions, partition keys, pruning; all of it bit for bit as Kudu has it, so
 *       that a client of Kudu computes the same tablet as we do; the bytes in which they are kept.
 *   <li><b>Does not know</b>: tablets, servers, disks. A partition is a number from 0; what stands behind it is the
 *       caller's.
 *   <li><b>Threads</b>: everything is immutable and shared, but builders, which belong to one thread.
 *   <li><b>Memory</b>: finding the partition of a row allocates nothing and writes nothing; the rest is control plane,
 *       on the heap.
 * </ul>
 */
@NullMarked
package io.nyala.partition;

import org.jspecify.annotations.NullMarked;
