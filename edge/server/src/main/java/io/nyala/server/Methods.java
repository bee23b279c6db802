package io.nyala.server;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.nyala.rpc.RpcMethod;
import io.nyala.rpc.RpcService;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A service as a table of its methods. Filled before the server starts, then immutable. */
final class Methods implements RpcService {
    /** Of an answer that is a list: clients in C++ take answers of 50 MiB, with what is around them. */
    static final int LISTED_BYTES_MAX = 49 << 20;

    private final String name;
    private final Set<Integer> features;
    private final Map<String, RpcMethod> methods = new HashMap<>();

    /**
     * @param name as in the published definitions: {@code kudu.master.MasterService}
     * @param features numbers of those that a client may require
     */
    Methods(String name, Set<Integer> features) {
        this.name = name;
        this.features = features;
    }

    /** A method that takes the call as it comes. */
    Methods on(String method, RpcMethod handler) {
        methods.put(method, handler);
        return this;
    }

    /** A method that answers a message with a message. */
    <M extends MessageLite> Methods on(String method, Parser<M> parser, Function<M, MessageLite> handler) {
        return on(method, call -> call.answer(handler.apply(call.parse(parser))));
    }

    /** As {@link #on(String, Parser, Function)}, at once: it looks at nothing but a few things in memory. */
    <M extends MessageLite> Methods onQuick(String method, Parser<M> parser, Function<M, MessageLite> handler) {
        return on(method, RpcMethod.quick(call -> call.answer(handler.apply(call.parse(parser)))));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean hasFeature(int feature) {
        return features.contains(feature);
    }

    @Override
    public @Nullable RpcMethod method(String method) {
        return methods.get(method);
    }
}
