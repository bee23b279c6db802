/**
 * The server plugin: Kudu's master and tablet server over an engine.
 *
 * <ul>
 *   <li><b>Owns</b>: names on the wire, scanners, batches that wait for rows.
 *   <li><b>Does not know</b>: storage internals.
 *   <li><b>Threads</b>: calls on the pool of the transport; answers to writes on the engine's writer, or on the pool if
 *       there is more to say.
 *   <li><b>Memory</b>: of the engine: batches and results of scans.
 * </ul>
 */
@NullMarked
package io.nyala.server;

import org.jspecify.annotations.NullMarked;
