/**
 * What a host stores, as the storage log has it: edits, their bytes, and the state that they make one after the other.
 *
 * <pre>{@code
 *   bytes <--> StorageEdit --StorageReplay--> StorageState --asEdits--> a checkpoint
 * }</pre>
 *
 * <ul>
 *   <li><b>Owns</b>: tables, their tablets and the files of those as data; the format of the storage log's records.
 *   <li><b>Does not know</b>: the log, disks, threads, open tablets. That is {@code engine}.
 *   <li><b>Threads</b>: edits and entries are immutable; a state belongs to whoever holds it.
 *   <li><b>Memory</b>: heap only, for the control plane.
 * </ul>
 */
@NullMarked
package io.nyala.catalog;

import org.jspecify.annotations.NullMarked;
