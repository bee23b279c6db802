package io.nyala.cli;

import io.nyala.rows.ColumnVector;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** Cells of a batch as people and other programs read them. Stateless. */
final class CellText {
    private CellText() {}

    /**
     * A number, a truth value, or text (dates and times as ISO 8601, BINARY as hexadecimal digits); null for NULL.
     */
    static @Nullable Object of(ColumnVector column, int row) {
        if (column.isNull(row)) {
            return null;
        }
        Object value = column.getValue(row).toObject(column.column());
        return switch (value) {
            case byte[] bytes -> HexFormat.of().formatHex(bytes);
            case Double number when !Double.isFinite(number) -> number.toString();
            case Float number when !Float.isFinite(number) -> number.toString();
            case Number number -> number;
            case Boolean truth -> truth;
            default -> value.toString();
        };
    }

    /** The same as plain text. */
    static @Nullable String text(ColumnVector column, int row) {
        Object value = of(column, row);
        return switch (value) {
            case null -> null;
            case BigDecimal decimal -> decimal.toPlainString();
            case LocalDate date -> date.toString();
            default -> value.toString();
        };
    }
}
