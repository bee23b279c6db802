/**
 * Kudu's RPC over TCP, the server's side: connections, negotiation, frames, calls and their answers.
 *
 * <pre>{@code
 *   client ==TCP==> Connection --> FrameReader --> Dispatcher --> RpcMethod.call
 *                       ^              |             (pool)            |
 *                       |              v                               v
 *                       |         RequestBytes                     RpcCall, answered now or later, by any thread
 *                       '------------------- Answer <------------------'
 * }</pre>
 *
 * <ul>
 *   <li><b>Owns</b>: connections, and requests from their first byte to the last of their answer.
 *   <li><b>Does not know</b>: what the calls mean: services are registered by name.
 *   <li><b>Threads</b>: connections on a few event loops, calls on a pool; servers of one process may share both.
 * <li><b>Memory</b>: pooled buffers of the transport, outside the heap and outside the engine's budget. Requests under
 *       way are limited over all connections of a server (256 MiB unless said otherwise, and one frame), answers
 * that a client has not taken for each connection; the pool itself grows by chunks of 2 MiB. Sidecars are sent from
 * where they lie.
 * </ul>
 */
@NullMarked
package io.nyala.rpc;

import org.jspecify.annotations.NullMarked;
