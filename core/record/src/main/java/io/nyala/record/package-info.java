/**
 * What one write batch left in one tablet, as a record of its log, and who asked for it.
 *
 * <ul>
 *   <li><b>Owns</b>: the bytes of a tablet's log record.
 *   <li><b>Does not know</b>: where logs are, tablets, threads.
 *   <li><b>Threads</b>: stateless.
 *   <li><b>Memory</b>: the caller's.
 * </ul>
 */
@NullMarked
package io.nyala.record;

import org.jspecify.annotations.NullMarked;
