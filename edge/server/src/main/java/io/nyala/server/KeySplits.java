package io.nyala.server;

import com.google.protobuf.ByteString;
import io.nyala.engine.Table;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.KeyRangePB;
import io.nyala.protocol.tserver.Tserver.SplitKeyRangeRequestPB;
import io.nyala.protocol.tserver.Tserver.SplitKeyRangeResponsePB;
import io.nyala.rows.Schema;
import io.nyala.table.KeyPieces;
import io.nyala.wire.WireKeys;
import io.nyala.wire.WireSchema;
import java.util.List;
import java.util.stream.IntStream;

/** A tablet's keys in pieces for clients that read it with several scans. Stateless. */
final class KeySplits {
    private KeySplits() {}

    static SplitKeyRangeResponsePB answer(CatalogView catalog, SplitKeyRangeRequestPB request) {
        SplitKeyRangeResponsePB.Builder answer = SplitKeyRangeResponsePB.newBuilder();
        try {
            String id = request.getTabletId().toStringUtf8();
            CatalogView.HostedTablet tablet = catalog.tablet(id);
            if (tablet == null) {
                throw TabletException.notFound(id);
            }
            Table table = tablet.table();
            Schema schema = table.schema();
            List<KeyPieces.Piece> pieces = table.pieces(
                            tablet.place().id(),
                            WireKeys.toKeyRange(request),
                            columnIds(schema, request.getColumnsList()),
                            targetBytes(request))
                    .orElseThrow(() -> TabletException.notFound(id));
            add(schema, pieces, request, answer);
            return answer.build();
        } catch (RuntimeException e) {
            return SplitKeyRangeResponsePB.newBuilder()
                    .setError(TabletErrors.of(e))
                    .build();
        }
    }

    private static long targetBytes(SplitKeyRangeRequestPB request) {
        long bytes = request.getTargetChunkSizeBytes();
        return bytes <= 0 ? Long.MAX_VALUE : bytes; // None, or more than a signed number holds.
    }

    private static int[] columnIds(Schema schema, List<ColumnSchemaPB> columns) {
        return IntStream.of(WireSchema.projection(schema, columns))
                .map(index -> schema.column(index).id())
                .toArray();
    }

    /**
     * What the client gave comes back as it is, and what it did not is not said; bounds between are whole keys, so some
     * pieces may fall together.
     */
    private static void add(
            Schema schema,
            List<KeyPieces.Piece> pieces,
            SplitKeyRangeRequestPB request,
            SplitKeyRangeResponsePB.Builder answer) {
        ByteString end = request.getStopPrimaryKey();
        ByteString start = request.getStartPrimaryKey();
        long bytes = 0;
        for (int i = 0; i < pieces.size(); i++) {
            byte[] upper = pieces.get(i).keys().upper();
            boolean isLast = i == pieces.size() - 1;
            ByteString stop = isLast || upper == null ? end : WireKeys.wholeKey(schema, upper);
            bytes += pieces.get(i).bytes();
            if (isLast || (isBelow(start, stop) && (end.isEmpty() || isBelow(stop, end)))) {
                KeyRangePB.Builder range = answer.addRangesBuilder().setSizeBytesEstimates(bytes);
                if (!start.isEmpty()) {
                    range.setStartPrimaryKey(start);
                }
                if (!stop.isEmpty()) {
                    range.setStopPrimaryKey(stop);
                }
                start = stop;
                bytes = 0;
            }
        }
    }

    private static boolean isBelow(ByteString key, ByteString other) {
        return ByteString.unsignedLexicographicalComparator().compare(key, other) < 0;
    }
}
