package io.nyala.server;

import com.google.protobuf.ByteString;
import io.nyala.protocol.consensus.Consensus.GetConsensusStateRequestPB;
import io.nyala.protocol.consensus.Consensus.GetConsensusStateResponsePB;
import io.nyala.protocol.consensus.Metadata.ConsensusStatePB;
import io.nyala.protocol.consensus.ReplicaManagement.ReplicaManagementInfoPB;
import io.nyala.rpc.RpcService;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** Tells Kudu's tools that each tablet is a group of one member, which leads it. Stateless. */
final class ConsensusService {
    private static final String NAME = "kudu.consensus.ConsensusService";

    private ConsensusService() {}

    /**
     * @param tablets ids of those that the server has
     * @param state of each of them
     */
    static RpcService of(Supplier<List<String>> tablets, Supplier<ConsensusStatePB> state) {
        return new Methods(NAME, Set.of()).on("GetConsensusState", GetConsensusStateRequestPB.parser(), request -> {
            Set<String> wanted = request.getTabletIdsList().stream()
                    .map(ByteString::toStringUtf8)
                    .collect(Collectors.toSet());
            return answer(
                    tablets.get().stream()
                            .filter(tablet -> wanted.isEmpty() || wanted.contains(tablet))
                            .toList(),
                    state.get());
        });
    }

    private static GetConsensusStateResponsePB answer(List<String> tablets, ConsensusStatePB state) {
        GetConsensusStateResponsePB.Builder answer = GetConsensusStateResponsePB.newBuilder();
        for (String tablet : tablets) {
            answer.addTabletsBuilder()
                    .setTabletId(ByteString.copyFromUtf8(tablet))
                    .setCstate(state);
        }
        return answer.setReplicaManagementInfo(ReplicaManagementInfoPB.newBuilder()
                        .setReplacementScheme(
                                ReplicaManagementInfoPB.ReplacementScheme.PREPARE_REPLACEMENT_BEFORE_EVICTION))
                .build();
    }
}
