package io.nyala.rpc;

import io.netty.buffer.ByteBufAllocator;

/**
 * What the connections of a server share. Each part is thread-safe.
 *
 * @param config the server's limits
 * @param dispatcher takes calls
 * @param connections all there are
 * @param requestBytes limits the memory of requests
 * @param allocator gives it, and that of answers
 * @param log for what clients cause
 */
record ServerParts(
        RpcConfig config,
        Dispatcher dispatcher,
        Connections connections,
        RequestBytes requestBytes,
        ByteBufAllocator allocator,
        QuietLog log) {}
