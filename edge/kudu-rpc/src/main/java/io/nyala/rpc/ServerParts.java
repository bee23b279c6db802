package io.nyala.rpc;

import io.netty.buffer.ByteBufAllocator;

/**
 * What the connections of a server share. Each part is thread-safe.
 *
 * @param config the server's limits
 * @param dispatcher takes calls
 * @param connections all there are
 * @param requestBytes limits the memory of requests
 * @param answerBytes limits that of answers
 * @param firstBytes limits that of negotiation, so that a server at its limit can still be talked to
 * @param allocator gives it, and that of answers
 * @param log for what clients cause
 * @param leftovers what event loops are to do once there is heap for it
 */
record ServerParts(
        RpcConfig config,
        Dispatcher dispatcher,
        Connections connections,
        RequestBytes requestBytes,
        AnswerBytes answerBytes,
        RequestBytes firstBytes,
        ByteBufAllocator allocator,
        QuietLog log,
        LoopTask.Leftovers leftovers) {
    /** Of unsent answers: when there are no more, a connection that had too many is read from again. */
    static int lowMark(int unsentBytesMax) {
        return unsentBytesMax / 2;
    }
}
