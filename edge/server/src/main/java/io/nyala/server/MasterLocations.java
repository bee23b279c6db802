package io.nyala.server;

import com.google.protobuf.ByteString;
import io.nyala.catalog.TabletPlace;
import io.nyala.engine.Table;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.consensus.Metadata.RaftPeerPB.Role;
import io.nyala.protocol.master.Master.GetTableLocationsRequestPB;
import io.nyala.protocol.master.Master.GetTableLocationsResponsePB;
import io.nyala.protocol.master.Master.GetTabletLocationsRequestPB;
import io.nyala.protocol.master.Master.GetTabletLocationsResponsePB;
import io.nyala.protocol.master.Master.MasterErrorPB;
import io.nyala.protocol.master.Master.PartitionKeyPB;
import io.nyala.protocol.master.Master.TabletLocationsPB;
import io.nyala.wire.WireErrors;
import io.nyala.wire.WirePartitions;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.function.Supplier;

/** Where tablets are: all of them here. Tells clients how a table is cut. Thread-safe. */
final class MasterLocations {
    /** As long as Kudu's: a client asks again when a tablet says that it is not there. */
    private static final int TTL_MILLIS = 300_000;

    /** Of one request: clients ask for one or some, and an id of nothing costs a hundred times its bytes. */
    static final int TABLETS_MAX = 10_000;

    private final CatalogView catalog;
    private final Supplier<Identity> identity;
    private final int listedBytesMax;

    /**
     * @param listedBytesMax of the locations of one answer
     */
    MasterLocations(CatalogView catalog, Supplier<Identity> identity, int listedBytesMax) {
        this.catalog = catalog;
        this.identity = identity;
        this.listedBytesMax = listedBytesMax;
    }

    /**
     * From the tablet that has the first key, or the one before it if none has, in the order of partition keys. A gap
     * between two tells the client that no tablet is for what is between them.
     */
    GetTableLocationsResponsePB ofTable(Table table, GetTableLocationsRequestPB request) {
        if (request.getMaxReturnedLocations() == 0) {
            throw new MasterException(
                    MasterErrorPB.Code.UNKNOWN_ERROR,
                    ErrorCode.INVALID_ARGUMENT,
                    "max_returned_locations must be greater than 0 if specified");
        }
        GetTableLocationsResponsePB.Builder answer =
                GetTableLocationsResponsePB.newBuilder().setTtlMillis(TTL_MILLIS);
        List<TabletPlace> tablets = table.tablets().stream()
                .sorted((a, b) -> Arrays.compareUnsigned(
                        a.partition().keyStart(), b.partition().keyStart()))
                .toList();
        byte[] from = startKey(request);
        byte[] to = endKey(request);
        int first = 0;
        while (first + 1 < tablets.size() && startsUpTo(tablets.get(first + 1), from)) {
            first++;
        }
        long end = Math.min(tablets.size(), first + Integer.toUnsignedLong(request.getMaxReturnedLocations()));
        long bytes = 0;
        for (int i = first; i < end && (to.length == 0 || startsUpTo(tablets.get(i), to)); i++) {
            TabletLocationsPB location = location(tablets.get(i), request.getInternTsInfosInResponse());
            bytes = checkListed(bytes + location.getSerializedSize(), "ask for fewer, by max_returned_locations");
            answer.addTabletLocations(location);
        }
        if (request.getInternTsInfosInResponse() && answer.getTabletLocationsCount() > 0) {
            answer.addTsInfos(identity.get().tabletServerInfo());
        }
        return answer.build();
    }

    private long checkListed(long bytes, String advice) {
        if (bytes > listedBytesMax) {
            throw MasterException.listTooLong("a list of these locations", listedBytesMax, advice);
        }
        return bytes;
    }

    private static boolean startsUpTo(TabletPlace tablet, byte[] key) {
        return Arrays.compareUnsigned(tablet.partition().keyStart(), key) <= 0;
    }

    private static byte[] startKey(GetTableLocationsRequestPB request) {
        return request.hasKeyStart()
                ? key(request.getKeyStart())
                : request.getPartitionKeyStart().toByteArray();
    }

    private static byte[] endKey(GetTableLocationsRequestPB request) {
        return request.hasKeyEnd()
                ? key(request.getKeyEnd())
                : request.getPartitionKeyEnd().toByteArray();
    }

    private static byte[] key(PartitionKeyPB parts) {
        return parts.getHashKey().concat(parts.getRangeKey()).toByteArray();
    }

    /** Each tablet once, however often it is asked for. */
    GetTabletLocationsResponsePB ofTablets(GetTabletLocationsRequestPB request) {
        if (request.getTabletIdsCount() > TABLETS_MAX) {
            throw new MasterException(
                    MasterErrorPB.Code.UNKNOWN_ERROR,
                    ErrorCode.INVALID_ARGUMENT,
                    "a request has " + request.getTabletIdsCount() + " ids of tablets, the limit is " + TABLETS_MAX
                            + "; send them in several requests");
        }
        GetTabletLocationsResponsePB.Builder answer = GetTabletLocationsResponsePB.newBuilder();
        long bytes = 0;
        for (ByteString id : new LinkedHashSet<>(request.getTabletIdsList())) {
            CatalogView.HostedTablet tablet = catalog.presentTablet(id.toStringUtf8());
            if (tablet == null) {
                answer.addErrorsBuilder()
                        .setTabletId(id)
                        .setStatus(WireErrors.status(ErrorCode.NOT_FOUND, "Unknown tablet " + id.toStringUtf8()));
            } else {
                TabletLocationsPB location = location(tablet.place(), request.getInternTsInfosInResponse());
                bytes = checkListed(bytes + location.getSerializedSize(), "ask for fewer tablets");
                answer.addTabletLocations(location);
            }
        }
        if (request.getInternTsInfosInResponse() && answer.getTabletLocationsCount() > 0) {
            answer.addTsInfos(identity.get().tabletServerInfo());
        }
        return answer.build();
    }

    private TabletLocationsPB location(TabletPlace tablet, boolean isInterned) {
        TabletLocationsPB.Builder location = TabletLocationsPB.newBuilder()
                .setTabletId(ByteString.copyFromUtf8(catalog.ids().tablet(tablet.id())))
                .setPartition(WirePartitions.toProto(tablet.partition()));
        if (isInterned) {
            location.addInternedReplicasBuilder().setTsInfoIdx(0).setRole(Role.LEADER);
        } else {
            location.addDEPRECATEDReplicasBuilder()
                    .setTsInfo(identity.get().tabletServerInfo())
                    .setRole(Role.LEADER);
        }
        return location.build();
    }
}
