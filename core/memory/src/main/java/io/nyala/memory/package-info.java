/**
 * Budgeted off-heap memory and the kernels that work on it.
 *
 * <ul>
 *   <li><b>Owns</b>: every byte of native memory: regions from a page source, slabs, arenas, epochs; the
 *       kernels, scalar and vector; the notes by which a format explains its bytes.
 *   <li><b>Does not know</b>: rows, files.
 *   <li><b>Threads</b>: the budget and its accounts may be shared; an arena belongs to one thread.
 *   <li><b>Memory</b>: is what this module is about.
 * </ul>
 */
@NullMarked
package io.nyala.memory;

import org.jspecify.annotations.NullMarked;
