/**
 * Kudu's protocol from the client's side, byte by byte: calls that no published client makes, for tests of servers,
 * ours and a real Kudu.
 *
 * <ul>
 *   <li><b>Owns</b> its connections.
 *   <li><b>Does not know</b> the server: neither its classes nor its process.
 *   <li><b>Threads</b>: one thread to an object.
 *   <li><b>Memory</b>: the heap's.
 * </ul>
 */
@NullMarked
package io.nyala.caller;

import org.jspecify.annotations.NullMarked;
