/**
 * A real Kudu, from its published binary, and our server, each in processes of its own: what tests compare with, and
 * what measurements have beside them.
 *
 * <ul>
 *   <li><b>Owns</b> the processes that it starts, until they are closed; their directories are the caller's.
 *   <li><b>Does not know</b> what clients do with them.
 *   <li><b>Threads</b>: one thread to a cluster; a virtual one reads what our server prints.
 *   <li><b>Memory</b>: that of the processes.
 * </ul>
 */
@NullMarked
package io.nyala.peer;

import org.jspecify.annotations.NullMarked;
