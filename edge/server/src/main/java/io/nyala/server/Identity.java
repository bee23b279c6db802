package io.nyala.server;

import com.google.protobuf.ByteString;
import io.nyala.protocol.Common.HostPortPB;
import io.nyala.protocol.WireProtocol.NodeInstancePB;
import io.nyala.protocol.WireProtocol.ServerEntryPB;
import io.nyala.protocol.WireProtocol.ServerRegistrationPB;
import io.nyala.protocol.consensus.Metadata.ConsensusStatePB;
import io.nyala.protocol.consensus.Metadata.RaftConfigPB;
import io.nyala.protocol.consensus.Metadata.RaftPeerPB;
import io.nyala.protocol.master.Master.TSInfoPB;

/**
 * Who the two servers of a process are and where they are reached, as messages. Immutable.
 *
 * @param ids names on the wire
 * @param host that clients are told
 * @param masterPort of the master
 * @param tabletServerPort of the tablet server
 * @param webPort of the web pages; {@link ServerConfig#NO_WEB} for none
 * @param startMicros when the process began to serve, microseconds since 1970: tells one life from the next
 */
record Identity(ServerIds ids, String host, int masterPort, int tabletServerPort, int webPort, long startMicros) {
    /** Of the protocol that is spoken, as clients compare it; then ours. */
    static final String SOFTWARE_VERSION = "1.18.1-nyala";

    /** A configuration of one member never changes. */
    private static final long TERM = 1;

    /** The same with web pages at that port. */
    Identity withWebPort(int port) {
        return new Identity(ids, host, masterPort, tabletServerPort, port, startMicros);
    }

    HostPortPB masterAddress() {
        return address(masterPort);
    }

    HostPortPB tabletServerAddress() {
        return address(tabletServerPort);
    }

    NodeInstancePB masterInstance() {
        return instance(ids.master());
    }

    NodeInstancePB tabletServerInstance() {
        return instance(ids.tabletServer());
    }

    ServerRegistrationPB masterRegistration() {
        return registration(masterAddress());
    }

    ServerRegistrationPB tabletServerRegistration() {
        return registration(tabletServerAddress());
    }

    ServerEntryPB masterEntry() {
        return ServerEntryPB.newBuilder()
                .setInstanceId(masterInstance())
                .setRegistration(masterRegistration())
                .setRole(RaftPeerPB.Role.LEADER)
                .setClusterId(ids.cluster())
                .setMemberType(RaftPeerPB.MemberType.VOTER)
                .build();
    }

    TSInfoPB tabletServerInfo() {
        return TSInfoPB.newBuilder()
                .setPermanentUuid(ByteString.copyFromUtf8(ids.tabletServer()))
                .addRpcAddresses(tabletServerAddress())
                .build();
    }

    /** The state of a group whose only member is the master. */
    ConsensusStatePB masterConsensus() {
        return consensus(ids.master(), masterAddress());
    }

    /** The state of a group whose only member is the tablet server. */
    ConsensusStatePB tabletConsensus() {
        return consensus(ids.tabletServer(), tabletServerAddress());
    }

    private HostPortPB address(int port) {
        return HostPortPB.newBuilder().setHost(host).setPort(port).build();
    }

    private NodeInstancePB instance(String uuid) {
        return NodeInstancePB.newBuilder()
                .setPermanentUuid(ByteString.copyFromUtf8(uuid))
                .setInstanceSeqno(startMicros)
                .build();
    }

    private ServerRegistrationPB registration(HostPortPB address) {
        ServerRegistrationPB.Builder registration = ServerRegistrationPB.newBuilder()
                .addRpcAddresses(address)
                .setSoftwareVersion(SOFTWARE_VERSION)
                .setHttpsEnabled(false)
                .setStartTime(startMicros / 1_000_000);
        if (webPort != ServerConfig.NO_WEB) {
            registration.addHttpAddresses(address(webPort));
        }
        return registration.build();
    }

    private static ConsensusStatePB consensus(String uuid, HostPortPB address) {
        return ConsensusStatePB.newBuilder()
                .setCurrentTerm(TERM)
                .setLeaderUuid(uuid)
                .setCommittedConfig(RaftConfigPB.newBuilder()
                        .setOpidIndex(-1)
                        .addPeers(RaftPeerPB.newBuilder()
                                .setPermanentUuid(ByteString.copyFromUtf8(uuid))
                                .setMemberType(RaftPeerPB.MemberType.VOTER)
                                .setLastKnownAddr(address)))
                .build();
    }
}
