/**
 * One tablet.
 *
 * <ul>
 *   <li><b>Owns</b>: the single writer, versions and visibility, the map of rowsets, seals and swaps, recovery.
 *   <li><b>Does not know</b>: RPC, other tablets.
 *   <li><b>Threads</b>: one writer agent changes; any number of readers.
 *   <li><b>Memory</b>: memory of the tablet's accounts.
 * </ul>
 */
@NullMarked
package io.nyala.tablet;

import org.jspecify.annotations.NullMarked;
