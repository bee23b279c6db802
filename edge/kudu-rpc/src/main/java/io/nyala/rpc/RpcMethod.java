package io.nyala.rpc;

/** What answers the calls of one method. */
@FunctionalInterface
public interface RpcMethod {
    /**
     * Takes a call, on a thread of the pool, beside other calls of the same method and connection. It is answered
     * exactly once: here, or later by any thread. What is thrown before that fails it, see {@link RpcException}.
     */
    void call(RpcCall call);

    /**
     * Whether it answers at once, from memory and in a few bytes, so that others wait for it microseconds at most. Such
     * calls have a thread of their own, and are answered while all others scan.
     */
    default boolean isQuick() {
        return false;
    }

    /** The same method, as a quick one. */
    static RpcMethod quick(RpcMethod method) {
        return new RpcMethod() {
            @Override
            public void call(RpcCall call) {
                method.call(call);
            }

            @Override
            public boolean isQuick() {
                return true;
            }
        };
    }
}
