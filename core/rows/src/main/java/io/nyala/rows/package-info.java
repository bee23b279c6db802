/**
 * What a row is.
 *
 * <pre>{@code
 *   caller's values --> OperationBatch --> Effect --> log, MemRowSet --> RowSource --> flush, merge
 *                        (packed row,      (decided)   (RowChange,
 *                         encoded key)                  RowPatch)
 *
 *   predicates --> KeyRange, CellFilter --> RowSet.scan --> ColumnBatch
 * }</pre>
 *
 * <ul>
 *   <li><b>Owns</b>: schema, types, packed row layout, encoded keys, row changes, predicates, column batches;
 *       the interfaces through which rows pass between modules.
 *   <li><b>Does not know</b>: disks, threads.
 *   <li><b>Threads</b>: schemas, layouts and filters are immutable and shared; batches belong to one thread.
 *   <li><b>Memory</b>: batches live in memory of the account they were given. Per row there is no object:
 *       {@code (memory, offset)} points to rows, keys, changes and effects.
 * </ul>
 */
@NullMarked
package io.nyala.rows;

import org.jspecify.annotations.NullMarked;
