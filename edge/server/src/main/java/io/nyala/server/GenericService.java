package io.nyala.server;

import io.nyala.engine.Engine;
import io.nyala.memory.AccountUsage;
import io.nyala.protocol.Common.HostPortPB;
import io.nyala.protocol.MemTracker.MemTrackerPB;
import io.nyala.protocol.VersionInfo.VersionInfoPB;
import io.nyala.protocol.WireProtocol.NodeInstancePB;
import io.nyala.protocol.server.ServerBase.DumpMemTrackersRequestPB;
import io.nyala.protocol.server.ServerBase.DumpMemTrackersResponsePB;
import io.nyala.protocol.server.ServerBase.GetFlagsRequestPB;
import io.nyala.protocol.server.ServerBase.GetFlagsResponsePB;
import io.nyala.protocol.server.ServerBase.GetStatusRequestPB;
import io.nyala.protocol.server.ServerBase.GetStatusResponsePB;
import io.nyala.protocol.server.ServerBase.ServerClockRequestPB;
import io.nyala.protocol.server.ServerBase.ServerClockResponsePB;
import io.nyala.protocol.server.ServerBase.ServerStatusPB;
import io.nyala.protocol.server.ServerBase.SetFlagRequestPB;
import io.nyala.protocol.server.ServerBase.SetFlagResponsePB;
import io.nyala.rpc.RpcService;
import java.util.Set;
import java.util.function.Supplier;

/** What any of Kudu's servers tells about itself. Stateless but for its engine. */
final class GenericService {
    private static final String NAME = "kudu.server.GenericService";

    private GenericService() {}

    static RpcService of(Engine engine, Supplier<NodeInstancePB> instance, Supplier<HostPortPB> address) {
        return new Methods(NAME, Set.of())
                .onQuick("GetStatus", GetStatusRequestPB.parser(), _ -> status(instance.get(), address.get()))
                .onQuick(
                        "ServerClock",
                        ServerClockRequestPB.parser(),
                        _ -> ServerClockResponsePB.newBuilder()
                                .setTimestamp(engine.now())
                                .build())
                .onQuick("GetFlags", GetFlagsRequestPB.parser(), _ -> GetFlagsResponsePB.getDefaultInstance())
                .on("SetFlag", SetFlagRequestPB.parser(), GenericService::setFlag)
                .on("DumpMemTrackers", DumpMemTrackersRequestPB.parser(), _ -> memory(engine));
    }

    private static GetStatusResponsePB status(NodeInstancePB instance, HostPortPB address) {
        return GetStatusResponsePB.newBuilder()
                .setStatus(ServerStatusPB.newBuilder()
                        .setNodeInstance(instance)
                        .addBoundRpcAddresses(address)
                        .setVersionInfo(VersionInfoPB.newBuilder().setVersionString(Identity.SOFTWARE_VERSION)))
                .build();
    }

    /** Settings of a server are those of its command line: there is none that could be changed while it runs. */
    private static SetFlagResponsePB setFlag(SetFlagRequestPB request) {
        return SetFlagResponsePB.newBuilder()
                .setResult(SetFlagResponsePB.Code.NO_SUCH_FLAG)
                .setMsg("there is no flag \"" + request.getFlag() + "\" that can be set")
                .build();
    }

    private static DumpMemTrackersResponsePB memory(Engine engine) {
        MemTrackerPB.Builder root =
                MemTrackerPB.newBuilder().setId("root").setPeakConsumption(engine.memoryBytesPeak());
        long used = 0;
        for (AccountUsage account : engine.memoryUsage()) {
            used += account.usedBytes();
            root.addChildTrackers(MemTrackerPB.newBuilder()
                    .setId(account.owner())
                    .setParentId("root")
                    .setCurrentConsumption(account.usedBytes())
                    .setPeakConsumption(account.peakBytes()));
        }
        return DumpMemTrackersResponsePB.newBuilder()
                .setRootTracker(root.setCurrentConsumption(used))
                .build();
    }
}
