/**
 * Messages of the Kudu wire protocol: the classes generated from its published definitions, and nothing else.
 *
 * <ul>
 *   <li><b>Owns</b>: generated messages.
 *   <li><b>Does not know</b>: everything else.
 *   <li><b>Threads</b>: messages are immutable.
 *   <li><b>Memory</b>: heap, per request.
 * </ul>
 */
@NullMarked
package io.nyala.protocol;

import org.jspecify.annotations.NullMarked;
