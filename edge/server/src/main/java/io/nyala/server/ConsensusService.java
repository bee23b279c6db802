package io.nyala.server;

import com.google.protobuf.ByteString;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.consensus.Consensus.GetConsensusStateRequestPB;
import io.nyala.protocol.consensus.Consensus.GetConsensusStateResponsePB;
import io.nyala.protocol.consensus.Consensus.IncludeHealthReport;
import io.nyala.protocol.consensus.Metadata.ConsensusStatePB;
import io.nyala.protocol.consensus.Metadata.HealthReportPB;
import io.nyala.protocol.consensus.ReplicaManagement.ReplicaManagementInfoPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
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
     * @param state of each of them, led by the server itself
     */
    static RpcService of(Supplier<List<String>> tablets, Supplier<ConsensusStatePB> state) {
        return new Methods(NAME, Set.of()).on("GetConsensusState", GetConsensusStateRequestPB.parser(), request -> {
            ConsensusStatePB known = state.get();
            String self = known.getLeaderUuid();
            if (request.hasDestUuid() && !request.getDestUuid().equals(ByteString.copyFromUtf8(self))) {
                return wrongServer(self, request.getDestUuid());
            }
            Set<String> wanted = request.getTabletIdsList().stream()
                    .map(ByteString::toStringUtf8)
                    .collect(Collectors.toSet());
            return answer(
                    tablets.get().stream()
                            .filter(tablet -> wanted.isEmpty() || wanted.contains(tablet))
                            .toList(),
                    request.getReportHealth() == IncludeHealthReport.INCLUDE_HEALTH_REPORT ? healthy(known) : known);
        });
    }

    /** Who asks has another server in mind than the one that is at this address now. */
    private static GetConsensusStateResponsePB wrongServer(String self, ByteString wanted) {
        return GetConsensusStateResponsePB.newBuilder()
                .setError(TabletErrors.error(
                        TabletServerErrorPB.Code.WRONG_SERVER_UUID,
                        ErrorCode.INVALID_ARGUMENT,
                        "GetConsensusState: Wrong destination UUID requested. Local UUID: " + self
                                + ". Requested UUID: " + wanted.toStringUtf8()))
                .build();
    }

    /** Who answers is well. */
    private static ConsensusStatePB healthy(ConsensusStatePB state) {
        ConsensusStatePB.Builder told = state.toBuilder();
        told.getCommittedConfigBuilder()
                .getPeersBuilderList()
                .forEach(peer -> peer.getHealthReportBuilder().setOverallHealth(HealthReportPB.HealthStatus.HEALTHY));
        return told.build();
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
