/**
 * Fresh rows in memory, in key order, with many versions; and, in the same kind of tree, the fresh changes of rows that
 * are on disk.
 *
 * <pre>{@code
 *   MemRowSet        key      -> row, changes since its insertion
 *   DeltaMemStore    ordinal  ->      changes since the rowset was written
 * }</pre>
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
