package io.nyala.cli;

import de.siegmar.fastcsv.writer.CsvWriter;
import de.siegmar.fastcsv.writer.LineDelimiter;
import de.siegmar.fastcsv.writer.QuoteStrategies;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.text.Figures;
import io.nyala.text.Json;
import io.nyala.text.TextTable;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where the rows of {@code nyala scan} go, in a form of its own. One thread. */
interface RowPrinter extends AutoCloseable {
    /** Rows of a table that are looked at to find how wide its columns are. */
    int ALIGNED_ROWS = 1_000;

    /** Prints all rows of a batch. */
    void print(ColumnBatch batch);

    /** Prints what comes last. */
    @Override
    void close();

    /**
     * Comma-separated values (RFC 4180, but with line feeds) with a line of names; NULL is an empty field, an empty
     * text is quoted.
     */
    static RowPrinter csv(List<Column> columns, PrintWriter out) {
        var writer = CsvWriter.builder()
                .quoteStrategy(QuoteStrategies.EMPTY)
                .lineDelimiter(LineDelimiter.LF)
                .build(out); // Never closed: standard output stays open.
        writer.writeRecord(columns.stream().map(Column::name).toList());
        return new RowPrinter() {
            @Override
            public void print(ColumnBatch batch) {
                for (int row = 0; row < batch.rowCount(); row++) {
                    List<@Nullable String> fields = new ArrayList<>();
                    for (int i = 0; i < columns.size(); i++) {
                        fields.add(CellText.text(batch.column(i), row));
                    }
                    writer.writeRecord(fields);
                }
                flush();
            }

            @Override
            public void close() {
                flush();
            }

            private void flush() {
                try {
                    writer.flush();
                } catch (IOException e) {
                    throw new UncheckedIOException("cannot print: " + e.getMessage(), e);
                }
            }
        };
    }

    /** An object per row and line (JSON Lines). */
    static RowPrinter json(List<Column> columns, PrintWriter out) {
        return new RowPrinter() {
            @Override
            public void print(ColumnBatch batch) {
                for (int row = 0; row < batch.rowCount(); row++) {
                    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
                    for (int i = 0; i < columns.size(); i++) {
                        fields.put(columns.get(i).name(), CellText.of(batch.column(i), row));
                    }
                    out.println(Json.line(fields));
                }
            }

            @Override
            public void close() {
                out.flush();
            }
        };
    }

    /** A table for people, a thousand rows at a time; its last line counts them. */
    static RowPrinter table(List<Column> columns, PrintWriter out) {
        return new RowPrinter() {
            private final String[] titles = columns.stream()
                    .map(column -> isNumber(column) ? ">" + column.name() : column.name())
                    .toArray(String[]::new);

            private TextTable table = new TextTable(titles);
            private int tableRows;
            private long count;

            @Override
            public void print(ColumnBatch batch) {
                for (int row = 0; row < batch.rowCount(); row++) {
                    String[] cells = new String[titles.length];
                    for (int i = 0; i < cells.length; i++) {
                        String text = CellText.text(batch.column(i), row);
                        cells[i] = text == null ? "NULL" : text;
                    }
                    table.row(cells);
                    if (++tableRows == ALIGNED_ROWS) {
                        table.print(out);
                        table = new TextTable(titles);
                        tableRows = 0;
                    }
                }
                count += batch.rowCount();
            }

            @Override
            public void close() {
                if (tableRows > 0 || count == 0) {
                    table.print(out);
                }
                out.println(Figures.count(count, "row", "rows"));
                out.flush();
            }
        };
    }

    private static boolean isNumber(Column column) {
        return switch (column.type()) {
            case INT8, INT16, INT32, INT64, FLOAT, DOUBLE, DECIMAL32, DECIMAL64, DECIMAL128 -> true;
            default -> false;
        };
    }
}
