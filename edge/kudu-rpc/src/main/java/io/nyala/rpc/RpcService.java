package io.nyala.rpc;

import org.jspecify.annotations.Nullable;

/** Methods under one name, for a server to offer. Asked by several event loops at once: it answers from memory. */
public interface RpcService {
    /** As clients ask for it: {@code kudu.tserver.TabletServerService}. Always the same. */
    String name();

    /** Whether a client may rely on this feature: one of a call's {@code required_feature_flags}. */
    boolean hasFeature(int feature);

    /** The method, or null if there is none of this name. What was answered for a name may be kept for ever. */
    @Nullable
    RpcMethod method(String name);
}
