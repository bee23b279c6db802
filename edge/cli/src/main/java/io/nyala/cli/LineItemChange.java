package io.nyala.cli;

import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.trino.tpch.LineItem;
import java.util.Locale;

/**
 * What becomes of a row of the generator after it was inserted: it stays, is updated, or is deleted. Follows from its
 * key alone, so that the table and the sums that are expected of it can be changed apart from each other. Stateless.
 */
enum LineItemChange {
    NONE,
    /** Another quantity, discount, flag, and ship date, all of which the queries look at, and another comment. */
    UPDATE,
    DELETE;

    /** Of so many rows one is deleted, and two are updated. */
    static final int ONE_IN = 16;

    private static final long MIXER = 0x9E3779B97F4A7C15L; // 2^64 over the golden ratio, odd.
    private static final int LINES_MAX = 8;
    private static final int DAYS_LATER = 30;
    private static final long QUANTITY_MAX = 50;
    private static final long DISCOUNT_PERCENT_MAX = 10;
    private static final String RETURNED = "R";

    static LineItemChange of(LineItem item) {
        long mixed = (item.getOrderKey() * LINES_MAX + item.getLineNumber()) * MIXER;
        return switch ((int) (mixed >>> 32) & (ONE_IN - 1)) {
            case 0 -> DELETE;
            case 1, 2 -> UPDATE;
            default -> NONE;
        };
    }

    /** Counts in what is left of the row. */
    void addTo(LineItemSums sums, LineItem item) {
        switch (this) {
            case NONE -> sums.add(item);
            case UPDATE -> sums.add(updated(item));
            case DELETE -> {}
        }
    }

    /** Puts the change into a batch, if there is one; {@code isAgain} if it may have been made before. */
    void write(OperationBatch rows, LineItem item, boolean isAgain) {
        switch (this) {
            case NONE -> {}
            case UPDATE -> {
                LineItems.startWithKey(rows, isAgain ? OperationKind.UPDATE_IGNORE : OperationKind.UPDATE, item);
                LineItems.setChangeable(rows, updated(item));
                rows.end();
            }
            case DELETE -> {
                LineItems.startWithKey(rows, isAgain ? OperationKind.DELETE_IGNORE : OperationKind.DELETE, item);
                rows.end();
            }
        }
    }

    /** As the row is after an update. */
    static LineItem updated(LineItem item) {
        return new LineItem(
                item.getRowNumber(),
                item.getOrderKey(),
                item.getPartKey(),
                item.getSupplierKey(),
                item.getLineNumber(),
                QUANTITY_MAX + 1 - item.getQuantity(),
                item.getExtendedPriceInCents(),
                DISCOUNT_PERCENT_MAX - item.getDiscountPercent(),
                item.getTaxPercent(),
                RETURNED,
                item.getStatus(),
                item.getShipDate() + DAYS_LATER,
                item.getCommitDate(),
                item.getReceiptDate(),
                item.getShipInstructions(),
                item.getShipMode(),
                item.getComment().toUpperCase(Locale.ROOT));
    }
}
