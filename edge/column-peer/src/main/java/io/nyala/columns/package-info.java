/**
 * Drivers that measure how columns are stored and read, beside others that do the same.
 *
 * <ul>
 *   <li><b>Owns</b>: measurements and their reports.
 *   <li><b>Does not know</b>: storage internals; only measurements may depend on it.
 *   <li><b>Threads</b>: as each driver says.
 *   <li><b>Memory</b>: as each driver says.
 * </ul>
 */
@NullMarked
package io.nyala.columns;

import org.jspecify.annotations.NullMarked;
