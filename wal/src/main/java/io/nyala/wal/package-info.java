/**
 * Bytes made durable, in order.
 *
 * <pre>{@code
 *   appenders                       log agent                            start-up
 * CommitLog --> LogBuffer --> LogAgent --> [ segment files ] --> Recovery --> LogReader --> ParallelReplay -->
 * RecordConsumer
 *                    ^              |               ^
 *                    '-- roll -- SegmentPreparer ---'-- Retention (recycles)
 * }</pre>
 *
 * <ul>
 *   <li><b>Owns</b>: segments, records, group commit, replay, retention.
 *   <li><b>Does not know</b>: what a payload means; schema, tablets.
 * <li><b>Threads</b>: many append, one at a time and briefly; one agent writes; start-up is one thread that reads, and
 *       as many that apply as its owner gives.
 *   <li><b>Memory</b>: log buffers have a reservation of their own. Nothing is allocated per record or write.
 * </ul>
 */
@NullMarked
package io.nyala.wal;

import org.jspecify.annotations.NullMarked;
