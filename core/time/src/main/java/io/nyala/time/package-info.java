/**
 * Hybrid time.
 *
 * <ul>
 *   <li><b>Owns</b>: timestamps and the clock that draws them, as in Kudu: physical microseconds with a logical counter
 *       (Kulkarni and others, "Logical Physical Clocks and Consistent Snapshots in Globally Distributed Databases");
 *       which of those that were drawn can be read.
 *   <li><b>Does not know</b>: rows, leases, where the physical time comes from.
 *   <li><b>Threads</b>: thread-safe. <b>Memory</b>: none.
 * </ul>
 */
@NullMarked
package io.nyala.time;

import org.jspecify.annotations.NullMarked;
