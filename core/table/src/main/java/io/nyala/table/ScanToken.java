package io.nyala.table;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.Predicate;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * One tablet's part of a scan, as a value that may travel: to another thread, or as bytes to another process and back.
 * All tokens of a scan see one snapshot, so together they yield what the scan would.
 *
 * <pre>{@code
 * List<ScanToken> tokens = table.scan().where(hot).tokens();
 * byte[] bytes = tokens.get(0).toBytes();
 * ...
 * try (Scan scan = engine.open(ScanToken.fromBytes(bytes))) { ... }
 * }</pre>
 *
 * <p>It can be opened in the engine whose table made it, at any time since. A token holds nothing: history that is
 * older than the table keeps it, or a tablet that was dropped, is gone when it is opened. Immutable.
 */
public final class ScanToken {
    private final ScanTokenFormat.Content content;

    ScanToken(ScanTokenFormat.Content content) {
        this.content = content;
    }

    /**
     * The token with these bytes.
     *
     * @throws io.nyala.rows.MalformedBytesException if they are none, or of another version, or damaged
     */
    public static ScanToken fromBytes(byte[] bytes) {
        return new ScanToken(ScanTokenFormat.fromBytes(bytes));
    }

    /** The token as bytes, with a version and a checksum. */
    public byte[] toBytes() {
        return ScanTokenFormat.toBytes(content);
    }

    public long tableId() {
        return content.tableId();
    }

    public long tabletId() {
        return content.tabletId();
    }

    /** Hybrid time whose state is read. */
    public long snapshot() {
        return content.snapshot();
    }

    /** Hybrid time since which its rows have changed; empty if they are all rows. */
    public OptionalLong start() {
        return content.start() == ScanSpec.NO_START ? OptionalLong.empty() : OptionalLong.of(content.start());
    }

    /** Identity of the host that made it, the only one where it can be opened. */
    public long hostId() {
        return content.hostId();
    }

    /** Most rows to be yielded. */
    public long limit() {
        return content.limit();
    }

    /** Whether rows that cannot be read may be left out. */
    public boolean allowsPartial() {
        return content.allowsPartial();
    }

    /** The part of one tablet in a scan that was planned. */
    public static ScanToken of(
            long hostId, long tableId, long tabletId, ScanSpec spec, long limit, boolean allowsPartial) {
        return new ScanToken(new ScanTokenFormat.Content(
                hostId,
                tableId,
                tabletId,
                spec.schema().version(),
                spec.keyOrder(),
                allowsPartial,
                spec.snapshot(),
                limit,
                spec.start(),
                spec.projectedColumns().stream().map(Column::id).toList(),
                spec.lowerKey(),
                spec.upperKey(),
                spec.predicates().stream()
                        .map(predicate -> ScanTokenFormat.Condition.of(spec.schema(), predicate))
                        .toList()));
    }

    /**
     * What to read, in a later or the same version of the table's schema.
     *
     * @throws IllegalArgumentException if it names columns that were dropped since
     */
    public ScanSpec spec(Schema schema) {
        ScanSpec spec = ScanSpec.all(schema, content.snapshot())
                .withProjection(projection(schema))
                .withPredicates(predicates(schema))
                .withKeys(content.lowerKey(), content.upperKey())
                .withKeyOrder(content.isKeyOrder());
        return content.start() == ScanSpec.NO_START ? spec : spec.withStart(content.start());
    }

    /**
     * The same scan in a later version of the table's schema: columns are those of the same ids.
     *
     * @throws IllegalArgumentException if it names columns that were dropped since
     */
    public static ScanSpec translate(ScanSpec spec, Schema later) {
        return spec.schema().equals(later) ? spec : of(0, 0, 0, spec, 0, false).spec(later);
    }

    /** The columns to be yielded, by index. */
    private List<Integer> projection(Schema schema) {
        List<Integer> projection = new ArrayList<>();
        for (int id : content.columnIds()) {
            projection.add(indexOf(schema, id));
        }
        return projection;
    }

    private List<Predicate> predicates(Schema schema) {
        List<Predicate> predicates = new ArrayList<>();
        for (ScanTokenFormat.Condition condition : content.conditions()) {
            int column = indexOf(schema, condition.columnId());
            if (condition.hasCells()) {
                condition.values().forEach(value -> checkValue(schema, column, value));
            }
            predicates.add(condition.predicate(schema, column));
        }
        return predicates;
    }

    private static void checkValue(Schema schema, int column, CellValue value) {
        ColumnType type = schema.column(column).type();
        boolean fits = type.isVariable() ? value.bytes() <= Limits.CELL_BYTES_MAX : value.bytes() == type.cellBytes();
        if (!fits) {
            throw new IllegalArgumentException("a scan compares column \""
                    + schema.column(column).name() + "\", a " + type + ", with a value of " + value.bytes() + " bytes");
        }
    }

    private int indexOf(Schema schema, int columnId) {
        int index = schema.indexOfId(columnId);
        if (index < 0) {
            throw new IllegalArgumentException("a scan of schema version " + content.schemaVersion()
                    + " names the column with id " + columnId + ", which the table does not have in version "
                    + schema.version());
        }
        return index;
    }

    @Override
    public String toString() {
        return "scan token of tablet " + tabletId() + " of table " + tableId() + " at " + snapshot();
    }
}
