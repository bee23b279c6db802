/**
 * Choosing what to flush, merge and drop, merging it in bounded memory, and scheduling that work. So far rows in memory
 * are flushed, and the work is scheduled; policies and merges will be here.
 *
 * <ul>
 *   <li><b>Owns</b>: the flush, which is a merge of one input, and the scheduler.
 *   <li><b>Does not know</b>: where the rows come from.
 *   <li><b>Threads</b>: the scheduler is lock-free; a flush belongs to one worker.
 *   <li><b>Memory</b>: a flush stays within the budget it was given.
 * </ul>
 */
@NullMarked
package io.nyala.compaction;

import org.jspecify.annotations.NullMarked;
