/**
 * What one write batch left in one tablet, as a record of its log, who asked for it, and what was answered.
 *
 * <ul>
 *   <li><b>Owns</b>: the bytes of a tablet's log record; names of requests; the table of their answers, and how that is
 *       written into the log again.
 *   <li><b>Does not know</b>: where logs are, tablets, threads.
 *   <li><b>Threads</b>: formats are stateless; a table of answers belongs to the writer of its tablet.
 *   <li><b>Memory</b>: records lie in the caller's; answers are primitive arrays on the heap, limited per tablet.
 * </ul>
 */
@NullMarked
package io.nyala.record;

import org.jspecify.annotations.NullMarked;
