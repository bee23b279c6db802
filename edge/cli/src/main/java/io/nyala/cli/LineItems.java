package io.nyala.cli;

import io.nyala.engine.TableSpec;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.trino.tpch.Distributions;
import io.trino.tpch.LineItem;
import io.trino.tpch.LineItemGenerator;
import io.trino.tpch.TextPool;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * The table {@code lineitem} of TPC-H: its columns, its rows as the generator makes them, and how one becomes the
 * other.
 *
 * <p>The generator is asked for parts, one a thread. All parts together are the same rows whatever their number, and
 * keys ascend within a part and from part to part. Comments are drawn from a text of 16 MiB instead of the standard's
 * 300 MB, which takes longer to make than the rows; all other columns are the standard's.
 *
 * <p>Stateless but for that text, which is made at first use. Thread-safe.
 */
public final class LineItems {
    static final String TABLE = "lineitem";

    /** Sums over more rows could pass 64 bits: see {@link LineItemSums}. */
    static final double SCALE_MAX = 30;

    static final int ORDER_KEY = 0;
    static final int LINE_NUMBER = 1;

    public static final Schema SCHEMA = Schema.of(
            Column.key("l_orderkey", ColumnType.INT64),
            Column.key("l_linenumber", ColumnType.INT32),
            Column.of("l_partkey", ColumnType.INT64),
            Column.of("l_suppkey", ColumnType.INT64),
            Column.decimal("l_quantity", 12, 2),
            Column.decimal("l_extendedprice", 15, 2),
            Column.decimal("l_discount", 12, 2),
            Column.decimal("l_tax", 12, 2),
            Column.varchar("l_returnflag", 1),
            Column.varchar("l_linestatus", 1),
            Column.of("l_shipdate", ColumnType.DATE),
            Column.of("l_commitdate", ColumnType.DATE),
            Column.of("l_receiptdate", ColumnType.DATE),
            Column.varchar("l_shipinstruct", 25),
            Column.varchar("l_shipmode", 10),
            Column.varchar("l_comment", 44));

    private static final int TEXT_BYTES = 16 << 20;
    private static final int ROWS_PER_SCALE = 6_001_215;
    private static final long HUNDREDTHS = 100;

    /** Made when first needed. */
    private static final class Text {
        static final Distributions WORDS = Distributions.getDefaultDistributions();
        static final TextPool POOL = new TextPool(TEXT_BYTES, WORDS);
    }

    private LineItems() {}

    /** Makes what all rows share, so that later calls do not take its time. */
    static void prepare() {
        part(0.001, 0, 1).next();
    }

    /** The rows of one of {@code partCount} parts, {@code part} from 0, in the order of their keys. */
    public static Iterator<LineItem> part(double scale, int part, int partCount) {
        return new LineItemGenerator(scale, part + 1, partCount, Text.WORDS, Text.POOL).iterator();
    }

    /** About how many rows there are; the exact number is known when they are made. */
    static long rowCountEstimate(double scale) {
        return Math.max(1, Math.round(scale * ROWS_PER_SCALE));
    }

    /** A table of rows spread over so many tablets by the hash of their orders; one tablet has them all. */
    static TableSpec table(int tablets) {
        PartitionSchema.Builder partitioning = PartitionSchema.of(SCHEMA);
        if (tablets > 1) {
            partitioning.hash(tablets, SCHEMA.column(ORDER_KEY).name());
        }
        return TableSpec.of(TABLE, partitioning.build());
    }

    /** Puts an insert of the row into a batch. */
    public static void insert(OperationBatch rows, OperationKind kind, LineItem item) {
        startWithKey(rows, kind, item);
        rows.setLong(2, item.getPartKey())
                .setLong(3, item.getSupplierKey())
                .setUnscaled(5, item.getExtendedPriceInCents())
                .setUnscaled(7, item.getTaxPercent())
                .setString(9, item.getStatus())
                .setInt(11, item.getCommitDate())
                .setInt(12, item.getReceiptDate())
                .setString(13, item.getShipInstructions())
                .setString(14, item.getShipMode());
        setChangeable(rows, item);
        rows.end();
    }

    /** Starts an operation on the row. */
    static void startWithKey(OperationBatch rows, OperationKind kind, LineItem item) {
        rows.start(kind).setLong(ORDER_KEY, item.getOrderKey()).setInt(LINE_NUMBER, item.getLineNumber());
    }

    /** Sets the columns that a {@link LineItemChange} changes. */
    static void setChangeable(OperationBatch rows, LineItem item) {
        rows.setUnscaled(4, item.getQuantity() * HUNDREDTHS)
                .setUnscaled(6, item.getDiscountPercent())
                .setString(8, item.getReturnFlag())
                .setInt(10, item.getShipDate())
                .setString(15, item.getComment());
    }

    /** Whether the row of a scan of all columns has this row's key. */
    static boolean hasKey(ColumnBatch batch, int row, LineItem item) {
        return batch.column(ORDER_KEY).getLong(row) == item.getOrderKey()
                && batch.column(LINE_NUMBER).getInt(row) == item.getLineNumber();
    }

    /** For messages. */
    static String key(ColumnBatch batch, int row) {
        return key(
                batch.column(ORDER_KEY).getLong(row), batch.column(LINE_NUMBER).getInt(row));
    }

    static String key(LineItem item) {
        return key(item.getOrderKey(), item.getLineNumber());
    }

    private static String key(long orderKey, int lineNumber) {
        return "(l_orderkey=" + orderKey + ", l_linenumber=" + lineNumber + ")";
    }

    /** The first column in which the row of a scan of all columns differs from what the generator made, or null. */
    static @Nullable String difference(ColumnBatch batch, int row, LineItem item) {
        for (int column = 0; column < batch.columnCount(); column++) {
            ColumnVector vector = batch.column(column);
            Object expected = value(item, column);
            Object found = vector.isNull(row) ? "NULL" : value(vector, row);
            if (!found.equals(expected)) {
                return vector.column().name() + " is " + found + ", expected " + expected;
            }
        }
        return null;
    }

    private static Object value(ColumnVector vector, int row) {
        return vector.type().isVariable() ? vector.getString(row) : (Object) vector.getInteger(row);
    }

    private static Object value(LineItem item, int column) {
        return switch (column) {
            case 0 -> item.getOrderKey();
            case 1 -> (long) item.getLineNumber();
            case 2 -> item.getPartKey();
            case 3 -> item.getSupplierKey();
            case 4 -> item.getQuantity() * HUNDREDTHS;
            case 5 -> item.getExtendedPriceInCents();
            case 6 -> item.getDiscountPercent();
            case 7 -> item.getTaxPercent();
            case 8 -> item.getReturnFlag();
            case 9 -> item.getStatus();
            case 10 -> (long) item.getShipDate();
            case 11 -> (long) item.getCommitDate();
            case 12 -> (long) item.getReceiptDate();
            case 13 -> item.getShipInstructions();
            case 14 -> item.getShipMode();
            case 15 -> item.getComment();
            default -> throw new IllegalArgumentException("lineitem has no column " + column);
        };
    }
}
