/**
 * Values as text: figures and tables as people read them, and JSON for scripts.
 *
 * <ul>
 *   <li><b>Owns</b>: units, separators, escapes.
 *   <li><b>Does not know</b>: what the values mean.
 *   <li><b>Threads</b>: stateless.
 *   <li><b>Memory</b>: the heap, of the caller.
 * </ul>
 */
@NullMarked
package io.nyala.text;

import org.jspecify.annotations.NullMarked;
