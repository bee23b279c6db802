/**
 * The embedding API and the host of many tablets.
 *
 * <ul>
 *   <li><b>Owns</b>: the storage log and the catalog, tables, batches, scans, threads, memory limits, counters.
 *   <li><b>Does not know</b>: RPC.
 *   <li><b>Threads</b>: an engine and its tables may be shared; batches and scans belong to one thread.
 *   <li><b>Memory</b>: opens the budget, and closes it when everything was given back.
 * </ul>
 */
@NullMarked
package io.nyala.engine;

import org.jspecify.annotations.NullMarked;
