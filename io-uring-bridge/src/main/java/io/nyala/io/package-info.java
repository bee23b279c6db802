/**
 * Files read, written and synced asynchronously, by token.
 *
 * <ul>
 *   <li><b>Owns</b>: rings, file descriptors, direct I/O, parking and waking of agents; all native calls.
 *   <li><b>Does not know</b>: what the bytes mean.
 *   <li><b>Threads</b>: a disk and its files may be shared; an I/O queue belongs to one thread.
 *   <li><b>Memory</b>: transfers to and from memory of the caller.
 * </ul>
 */
@NullMarked
package io.nyala.io;

import org.jspecify.annotations.NullMarked;
