/**
 * Rows of several cursors as those of one.
 *
 * <ul>
 *   <li><b>Owns</b>: cursors over cursors: one after the other, or merged by key.
 *   <li><b>Does not know</b>: where rows come from: rowsets of a tablet, tablets of a table.
 *   <li><b>Threads</b>: one at a time. <b>Memory</b>: a batch for each input of a merge, of the account given.
 * </ul>
 */
@NullMarked
package io.nyala.cursor;

import org.jspecify.annotations.NullMarked;
