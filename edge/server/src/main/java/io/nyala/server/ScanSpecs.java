package io.nyala.server;

import io.nyala.engine.Engine;
import io.nyala.engine.ScanBuilder;
import io.nyala.engine.Table;
import io.nyala.protocol.Common.OrderMode;
import io.nyala.protocol.Common.ReadMode;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.rows.Schema;
import io.nyala.table.AncientSnapshotException;
import io.nyala.time.HybridTime;
import io.nyala.wire.ResultBlock;
import io.nyala.wire.WireKeys;
import io.nyala.wire.WirePredicates;
import io.nyala.wire.WireSchema;
import java.util.Locale;

/**
 * From what a client wants to read to a scan of the engine. A snapshot of Kudu has what happened before its time, one
 * of the engine also what happened at its time. Stateless.
 */
final class ScanSpecs {
    private ScanSpecs() {}

    /** The scan of one tablet that a request describes, at the time that it means. */
    static ScanBuilder of(CatalogView catalog, CatalogView.HostedTablet tablet, NewScanRequestPB request) {
        check(request);
        Table table = tablet.table();
        Schema schema = table.schema();
        int[] projection = WireSchema.projection(schema, request.getProjectedColumnsList());
        if (request.hasSnapStartTimestamp() && projection.length == request.getProjectedColumnsCount()) {
            throw new TabletException(
                    Code.MISMATCHED_SCHEMA,
                    ErrorCode.INVALID_ARGUMENT,
                    "Merge iterator cannot deduplicate deleted rows without an IS_DELETED column");
        }
        String[] names = new String[projection.length];
        for (int i = 0; i < names.length; i++) {
            names[i] = schema.column(projection[i]).name();
        }
        ScanBuilder scan =
                table.scan().onlyTablet(tablet.place().id()).project(names).keys(WireKeys.toKeyRange(request));
        WirePredicates.toPredicates(schema, request.getColumnPredicatesList()).forEach(scan::where);
        if (request.hasLimit()) {
            scan.limit(request.getLimit() < 0 ? Long.MAX_VALUE : request.getLimit()); // An unsigned number.
        }
        if (request.getOrderMode() == OrderMode.ORDERED) {
            scan.inKeyOrder();
        }
        Engine engine = catalog.engine();
        boolean isLatest = request.getReadMode() == ReadMode.READ_LATEST; // Which needs no time, as with Kudu.
        if (request.getPropagatedTimestamp() != 0 && !isLatest) {
            observe(engine, request.getPropagatedTimestamp());
        }
        return switch (request.getReadMode()) {
            case READ_LATEST, UNKNOWN_READ_MODE -> scan;
            case READ_AT_SNAPSHOT -> {
                long end = snapshot(engine, request);
                if (request.hasSnapStartTimestamp()) {
                    scan.changedSince(start(request, end) - 1);
                }
                yield scan.at(end - 1);
            }
            case READ_YOUR_WRITES -> scan.at(engine.now() - 1);
        };
    }

    private static void observe(Engine engine, long time) {
        try {
            engine.observe(time);
        } catch (IllegalArgumentException e) {
            throw new TabletException(
                    Code.INVALID_SNAPSHOT, ErrorCode.INVALID_ARGUMENT, String.valueOf(e.getMessage()));
        }
    }

    private static void check(NewScanRequestPB request) {
        if (request.getOrderMode() == OrderMode.UNKNOWN_ORDER_MODE) {
            throw invalid("Unknown order mode specified");
        }
        if (request.getOrderMode() == OrderMode.ORDERED && request.getReadMode() != ReadMode.READ_AT_SNAPSHOT) {
            throw invalid("Cannot do an ordered scan that is not a snapshot read");
        }
        if (request.getReadMode() == ReadMode.UNKNOWN_READ_MODE) {
            throw invalid("Unknown read mode.");
        }
        if (request.hasSnapStartTimestamp() && request.getReadMode() != ReadMode.READ_AT_SNAPSHOT) {
            throw invalid("scan start timestamp is only supported in READ_AT_SNAPSHOT read mode");
        }
        if (request.hasSnapStartTimestamp() && request.getOrderMode() != OrderMode.ORDERED) {
            throw invalid("scan start timestamp is only supported in ORDERED order mode");
        }
        if (request.getDEPRECATEDRangePredicatesCount() > 0) {
            throw new TabletException(
                    Code.INVALID_SCAN_SPEC,
                    ErrorCode.NOT_SUPPORTED,
                    "DEPRECATED_range_predicates are not supported; send column_predicates");
        }
    }

    /** Where the columns that a client wants are in the batches of its scan; whether rows are deleted is last there. */
    static int[] sources(NewScanRequestPB request, int batchColumns) {
        int[] sources = new int[request.getProjectedColumnsCount()];
        int next = 0;
        for (int i = 0; i < sources.length; i++) {
            if (!WireSchema.isVirtual(request.getProjectedColumns(i))) {
                sources[i] = next++;
            } else {
                sources[i] = request.hasSnapStartTimestamp() ? batchColumns - 1 : ResultBlock.NOT_DELETED;
            }
        }
        return sources;
    }

    /** Why a snapshot is not read any more, in Kudu's words and with the times that clients name. */
    static String refusal(AncientSnapshotException e) {
        long micros = HybridTime.micros(e.mark()) - HybridTime.micros(e.snapshot());
        return String.format(
                Locale.ROOT,
                "snapshot scan %s timestamp is earlier than the ancient history mark. Consider increasing the value of"
                        + " the table's setting kudu.table.history_max_age_sec. Snapshot timestamp: %s Ancient History"
                        + " Mark: %s Physical time difference: %.3fs",
                e.isStart() ? "start" : "end",
                words(snapshotTimestamp(e.snapshot())),
                words(snapshotTimestamp(e.mark())),
                -micros / 1e6);
    }

    private static String words(long time) {
        return "P: " + HybridTime.micros(time) + " usec, L: " + HybridTime.logical(time);
    }

    private static TabletException invalid(String message) {
        return new TabletException(Code.INVALID_SCAN_SPEC, ErrorCode.INVALID_ARGUMENT, message);
    }

    /** Whether the answer names the time of a scan like this. */
    static boolean namesSnapshot(NewScanRequestPB request) {
        return request.getReadMode() != ReadMode.READ_LATEST;
    }

    /** The time of a scan as a client names it. */
    static long snapshotTimestamp(long engineSnapshot) {
        return engineSnapshot + 1;
    }

    /** What is before it did not change since; it is not after the end. */
    private static long start(NewScanRequestPB request, long end) {
        long start = request.getSnapStartTimestamp();
        if (Long.compareUnsigned(start, end) > 0) {
            throw new TabletException(
                    Code.INVALID_SNAPSHOT,
                    ErrorCode.INVALID_ARGUMENT,
                    "start timestamp (" + words(start) + ") must be less than or equal to end timestamp (" + words(end)
                            + ")");
        }
        return Math.max(start, 2);
    }

    private static long snapshot(Engine engine, NewScanRequestPB request) {
        long now = engine.now();
        if (!request.hasSnapTimestamp()) {
            return now;
        }
        long wanted = request.getSnapTimestamp();
        if (Long.compareUnsigned(wanted, now) > 0) {
            throw new TabletException(
                    Code.INVALID_SNAPSHOT,
                    ErrorCode.INVALID_ARGUMENT,
                    "Snapshot time " + HybridTime.format(wanted) + " in the future. Current time "
                            + HybridTime.format(now));
        }
        return Math.max(wanted, 2); // A scan reads what is before it, and the first time is 1.
    }
}
