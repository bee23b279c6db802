/**
 * Choosing what to merge, writing flushed and merged rows in bounded memory, and scheduling that work.
 *
 * <ul>
 *   <li><b>Owns</b>: the flush, which is a merge of one input, merges, their policy, and the scheduler.
 *   <li><b>Does not know</b>: where the rows come from.
 *   <li><b>Threads</b>: the scheduler is lock-free; a flush belongs to one worker.
 *   <li><b>Memory</b>: a flush stays within the budget it was given.
 * </ul>
 */
@NullMarked
package io.nyala.compaction;

import org.jspecify.annotations.NullMarked;
