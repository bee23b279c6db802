/**
 * Fresh rows in memory, in key order, with many versions.
 *
 * <ul>
 *   <li><b>Owns</b>: the tree, the packed rows in it and their chains of changes.
 *   <li><b>Does not know</b>: disks.
 *   <li><b>Threads</b>: one writer, many readers that never block it.
 *   <li><b>Memory</b>: arenas, freed whole after the last reader has left.
 * </ul>
 */
@NullMarked
package io.nyala.memrowset;

import org.jspecify.annotations.NullMarked;
