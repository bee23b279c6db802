/**
 * A simulated world for tests: disk, clock, and a reference model of a table.
 *
 * <ul>
 *   <li><b>Owns</b>: faults, tearing, loss of what was not synced; the sorted map of versions that says what a
 *       table must answer.
 *   <li><b>Does not know</b>: the engine's parts.
 *   <li><b>Threads</b>: one thread drives it.
 *   <li><b>Memory</b>: plain heap.
 * </ul>
 */
@NullMarked
package io.nyala.simulation;

import org.jspecify.annotations.NullMarked;
