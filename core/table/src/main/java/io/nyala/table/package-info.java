/**
 * One table over its tablets: which of them an operation or a scan belongs to, and many answers as one.
 *
 * <pre>{@code
 *   batch --BatchParts--> a part of each tablet --> answers of all        (rows are not copied)
 *   scan --TableState.prune--> tablets --ScanPlan--> one snapshot in all --TabletsCursor--> rows
 *                                          '--> ScanToken: a tablet's part, as bytes
 * }</pre>
 *
 * <ul>
 *   <li><b>Owns</b>: the state of a table at a moment; splitting batches; snapshots over tablets; scan tokens.
 *   <li><b>Does not know</b>: where tablets come from, the storage log, threads. That is {@code engine}.
 *   <li><b>Threads</b>: states are immutable; a batch and a scan belong to one thread each.
 *   <li><b>Memory</b>: none of its own; cursors take what they need from the account they are given.
 * </ul>
 */
@NullMarked
package io.nyala.table;

import org.jspecify.annotations.NullMarked;
