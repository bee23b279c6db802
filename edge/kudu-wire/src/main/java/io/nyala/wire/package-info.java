/**
 * Kudu's data on the wire, translated to and from what the engine takes: schemas, partitionings, rows, predicates,
 * results.
 *
 * <ul>
 *   <li><b>Owns</b>: layouts, and the words of their errors.
 *   <li><b>Does not know</b>: connections and calls; engine and tablets.
 *   <li><b>Threads</b>: stateless, or one thread.
 *   <li><b>Memory</b>: of the caller.
 * </ul>
 */
@NullMarked
package io.nyala.wire;

import org.jspecify.annotations.NullMarked;
