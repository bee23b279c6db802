/**
 * The server plugin. Will own the Kudu RPC protocol, master and tablet server, over the engine.
 *
 * <ul>
 *   <li><b>Owns</b>: connections, RPC, metrics and web pages.
 *   <li><b>Does not know</b>: storage internals.
 *   <li><b>Threads</b>: handlers run on the transport's threads.
 *   <li><b>Memory</b>: buffers of the transport.
 * </ul>
 */
@NullMarked
package io.nyala.server;

import org.jspecify.annotations.NullMarked;
