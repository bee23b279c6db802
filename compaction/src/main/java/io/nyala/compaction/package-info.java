/**
 * Choosing what to flush, merge and drop, merging it in bounded memory, and scheduling that work.
 *
 * <ul>
 *   <li><b>Owns</b>: policies, the merge, the scheduler.
 *   <li><b>Does not know</b>: where the rows come from.
 *   <li><b>Threads</b>: policies are pure; the scheduler is lock-free; a merge belongs to one worker.
 *   <li><b>Memory</b>: a merge stays within the budget it was given.
 * </ul>
 */
@NullMarked
package io.nyala.compaction;

import org.jspecify.annotations.NullMarked;
