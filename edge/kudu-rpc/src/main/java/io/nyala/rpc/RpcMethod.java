package io.nyala.rpc;

/** What answers the calls of one method. */
@FunctionalInterface
public interface RpcMethod {
    /**
     * Takes a call, on a thread of the pool, beside other calls of the same method and connection. It is answered
     * exactly once: here, or later by any thread. What is thrown before that fails it, see {@link RpcException}.
     */
    void call(RpcCall call);
}
