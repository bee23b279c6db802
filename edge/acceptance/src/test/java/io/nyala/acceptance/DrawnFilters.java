package io.nyala.acceptance;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireBloom;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireResults;
import io.nyala.protocol.Common.ColumnPredicatePB;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.rows.Column;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.kudu.ColumnSchema;
import org.jspecify.annotations.Nullable;

/** A random scan with Bloom filters, which the published client does not offer, of all columns. Immutable. */
final class DrawnFilters {
    private final List<Wanted> wanted;

    /**
     * Filters on a column that a row must pass all, and bounds.
     *
     * @param lower a cell; null for none, and so with {@code upper}
     */
    private record Wanted(
            String column,
            List<Filter> filters,
            @Nullable ByteString lower,
            @Nullable ByteString upper) {}

    /** A filter: its size, and what is in it. */
    private record Filter(int logBytes, int seed, List<byte[]> cells) {
        WireBloom made() {
            WireBloom filter = new WireBloom(logBytes, seed);
            cells.forEach(filter::add);
            return filter;
        }

        @Override
        public String toString() {
            return "2^" + logBytes + " bytes, seed " + seed + " of "
                    + cells.stream().map(HexFormat.of()::formatHex).toList();
        }
    }

    private DrawnFilters(List<Wanted> wanted) {
        this.wanted = wanted;
    }

    static DrawnFilters draw(DrawnTable table, SplittableRandom random) {
        List<Wanted> wanted = new ArrayList<>();
        for (int i = 0; i < 1 + random.nextInt(2); i++) {
            ColumnSchema column =
                    table.columns().get(random.nextInt(table.columns().size()));
            List<Filter> filters = new ArrayList<>();
            for (int f = 0; f < 1 + random.nextInt(2); f++) {
                List<byte[]> cells = new ArrayList<>();
                for (int c = random.nextInt(12); c > 0; c--) {
                    cells.add(Cells.of(column, Values.draw(column, random)));
                }
                filters.add(new Filter(random.nextInt(5, 9), random.nextInt(3), cells));
            }
            wanted.add(new Wanted(column.getName(), filters, bound(column, random), bound(column, random)));
        }
        return new DrawnFilters(wanted);
    }

    private static @Nullable ByteString bound(ColumnSchema column, SplittableRandom random) {
        return random.nextInt(4) == 0 ? ByteString.copyFrom(Cells.of(column, Values.draw(column, random))) : null;
    }

    /** Reads each tablet in the order of keys, at the present; answers the rows' bytes, or the error. */
    String run(ClusterRun run, String table) throws IOException {
        StringBuilder seen = new StringBuilder();
        try (RawCluster raw = run.raw()) {
            List<Column> columns = raw.schema(table).columns();
            for (ByteString tablet : raw.tabletIds(table)) {
                NewScanRequestPB.Builder scan = run.presentScan(raw, table, tablet);
                wanted.forEach(each -> scan.addColumnPredicates(predicate(each)));
                ScanRequestPB.Builder request = ScanRequestPB.newBuilder().setNewScanRequest(scan);
                boolean hasMore = true; // A server that has no time ends an answer before the rows do.
                for (int call = 1; hasMore; call++) {
                    WireClient.Reply reply = raw.tablets().call(WireClient.TABLET_SERVER, "Scan", request.build());
                    ScanResponsePB answer = reply.message(ScanResponsePB.parser());
                    seen.append(answer.hasError() ? answer.getError() : rows(reply, answer, columns));
                    hasMore = answer.getHasMoreResults();
                    request.clear().setScannerId(answer.getScannerId()).setCallSeqId(call);
                }
            }
        }
        return seen.toString();
    }

    private static ColumnPredicatePB predicate(Wanted wanted) {
        ColumnPredicatePB.Builder predicate = ColumnPredicatePB.newBuilder().setColumn(wanted.column());
        ColumnPredicatePB.InBloomFilter.Builder filters = predicate.getInBloomFilterBuilder();
        wanted.filters().forEach(filter -> filters.addBloomFilters(filter.made().toProto()));
        if (wanted.lower() != null) {
            filters.setLower(wanted.lower());
        }
        if (wanted.upper() != null) {
            filters.setUpper(wanted.upper());
        }
        return predicate.build();
    }

    private static String rows(WireClient.Reply reply, ScanResponsePB answer, List<Column> columns) {
        StringBuilder text = new StringBuilder();
        for (byte[] @Nullable [] row : WireResults.rows(reply, answer, columns)) {
            for (byte @Nullable [] cell : row) {
                text.append(cell == null ? "NULL" : HexFormat.of().formatHex(cell))
                        .append(' ');
            }
            text.append('\n');
        }
        return text.toString();
    }

    @Override
    public String toString() {
        return "where " + wanted;
    }
}
