/**
 * Kudu's RPC over TCP, the server's side: connections, negotiation, frames, calls and their answers.
 *
 * <ul>
 *   <li><b>Owns</b>: connections, and requests from their first byte to the last of their answer.
 *   <li><b>Does not know</b>: what the calls mean: services are registered by name.
 *   <li><b>Threads</b>: connections on a few event loops, calls on a pool.
 *   <li><b>Memory</b>: pooled buffers of the transport, bounded in all by a limit on requests under way.
 * </ul>
 */
@NullMarked
package io.nyala.rpc;

import org.jspecify.annotations.NullMarked;
