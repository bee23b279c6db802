/**
 * The workers that keep many tablets small in memory and fast on disk.
 *
 * <pre>{@code
 *   Maintenance --.--> Probes     keys looked up again
 *   first worker  |--> Flushes    one under way at a time
 *                 '--> Merges     begun and ended here
 *                        |
 *   MergeWorkers  <------'        done here, a tablet each; or, if there are none, between steps of flushes
 *
 *   SeatWatch --- sees that the first worker hangs, and gives its seat to another one
 * }</pre>
 *
 * <ul>
 *   <li><b>Owns</b>: which flush and which merge comes next, who waits for them, and what becomes of one that fails.
 *   <li><b>Does not know</b>: how a tablet is flushed or merged ({@code tablet}), nor what else its host does
 *       ({@link io.nyala.maintenance.Housekeeping}).
 *   <li><b>Threads</b>: one worker that flushes, any number that merge; asking for something is for any thread.
 *   <li><b>Memory</b>: none of its own.
 * </ul>
 */
@NullMarked
package io.nyala.maintenance;

import org.jspecify.annotations.NullMarked;
