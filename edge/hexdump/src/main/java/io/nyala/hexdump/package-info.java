/**
 * Annotated hexadecimal text of any bytes of ours.
 *
 * <ul>
 *   <li><b>Owns</b>: the text format of dumps.
 *   <li><b>Does not know</b>: formats: they annotate themselves.
 *   <li><b>Threads</b>: stateless.
 *   <li><b>Memory</b>: copies to its own buffers.
 * </ul>
 */
@NullMarked
package io.nyala.hexdump;

import org.jspecify.annotations.NullMarked;
