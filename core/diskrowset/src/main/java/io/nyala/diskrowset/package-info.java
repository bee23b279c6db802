/**
 * Rows on disk.
 *
 * <ul>
 *   <li><b>Owns</b>: which sections a rowset has, history of its rows, scans and key look-ups that put both together.
 *   <li><b>Does not know</b>: memrowset, wal.
 *   <li><b>Threads</b>: a rowset is immutable and may be shared; a cursor belongs to one thread.
 *   <li><b>Memory</b>: cursors use memory of the account they were given.
 * </ul>
 */
@NullMarked
package io.nyala.diskrowset;

import org.jspecify.annotations.NullMarked;
