package io.nyala.cli;

import io.nyala.engine.Scan;
import io.nyala.engine.Table;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import java.lang.foreign.ValueLayout;

/**
 * TPC-H's Q1 and Q6 over a table: conditions go down into the scan, sums are made here over the columns of each batch,
 * with nothing on the heap per row. Stateless; each call on one thread.
 */
public final class LineItemQueries {
    private static final long ONE = 100;

    private LineItemQueries() {}

    /** Q1: for each return flag and line status, sums of quantities and prices of what was shipped in time. */
    public static LineItemSums pricingSummary(Table table) {
        LineItemSums sums = new LineItemSums();
        Schema schema = table.schema();
        try (Scan scan = table.scan()
                .project("l_returnflag", "l_linestatus", "l_quantity", "l_extendedprice", "l_discount", "l_tax")
                .where(Predicate.atMost(schema, "l_shipdate", LineItemSums.SHIPPED_UNTIL))
                .open()) {
            while (scan.next()) {
                addPrices(scan.batch(), sums);
            }
        }
        return sums;
    }

    private static void addPrices(ColumnBatch batch, LineItemSums sums) {
        ColumnVector flags = batch.column(0);
        ColumnVector statuses = batch.column(1);
        ColumnVector quantities = batch.column(2);
        ColumnVector prices = batch.column(3);
        ColumnVector discounts = batch.column(4);
        ColumnVector taxes = batch.column(5);
        int rows = batch.rowCount();
        for (int row = 0; row < rows; row++) {
            int at = LineItemSums.group(letter(flags, row), letter(statuses, row));
            long price = prices.getLong(row);
            long discount = discounts.getLong(row);
            long discounted = price * (ONE - discount);
            sums.addTo(at + LineItemSums.COUNT, 1);
            sums.addTo(at + LineItemSums.QUANTITY, quantities.getLong(row));
            sums.addTo(at + LineItemSums.PRICE, price);
            sums.addTo(at + LineItemSums.DISCOUNTED, discounted);
            sums.addTo(at + LineItemSums.CHARGE, discounted * (ONE + taxes.getLong(row)));
            sums.addTo(at + LineItemSums.DISCOUNT, discount);
        }
    }

    /** Of a text of one byte; 0, which is no letter, of any other. */
    private static int letter(ColumnVector texts, int row) {
        return texts.variableBytes(row) == 1 ? texts.bytes().get(ValueLayout.JAVA_BYTE, texts.variableOffset(row)) : 0;
    }

    /** Q6: what certain discounts of a year cost. */
    public static LineItemSums forecastRevenue(Table table) {
        LineItemSums sums = new LineItemSums();
        Schema schema = table.schema();
        try (Scan scan = table.scan()
                .project("l_extendedprice", "l_discount")
                .where(Predicate.range(schema, "l_shipdate", LineItemSums.SHIPPED_FROM, LineItemSums.SHIPPED_BEFORE))
                .where(Predicate.atLeast(schema, "l_discount", LineItemSums.DISCOUNT_MIN))
                .where(Predicate.atMost(schema, "l_discount", LineItemSums.DISCOUNT_MAX))
                .where(Predicate.lessThan(schema, "l_quantity", LineItemSums.QUANTITY_BELOW))
                .open()) {
            while (scan.next()) {
                sums.addRevenue(revenue(scan.batch()), scan.batch().rowCount());
            }
        }
        return sums;
    }

    /** A method of its own, as {@link #addPrices}: it is compiled by itself, not as a part of a loop that goes on. */
    private static long revenue(ColumnBatch batch) {
        ColumnVector prices = batch.column(0);
        ColumnVector discounts = batch.column(1);
        int rows = batch.rowCount();
        long revenue = 0; // Of at most 1,024 rows: far from an overflow.
        for (int row = 0; row < rows; row++) {
            revenue += prices.getLong(row) * discounts.getLong(row);
        }
        return revenue;
    }

    /** Rows that a scan without columns finds. */
    static long countRows(Table table) {
        long rows = 0;
        try (Scan scan = table.scan().project().open()) {
            while (scan.next()) {
                rows += scan.batch().rowCount();
            }
        }
        return rows;
    }
}
