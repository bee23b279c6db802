/**
 * Benchmarks per part, load drivers, peers beside them.
 *
 * <ul>
 *   <li><b>Owns</b>: measurements and their reports.
 *   <li><b>Does not know</b>: nothing may depend on it.
 *   <li><b>Threads</b>: as each benchmark says.
 *   <li><b>Memory</b>: as each benchmark says.
 * </ul>
 */
@NullMarked
package io.nyala.perf;

import org.jspecify.annotations.NullMarked;
