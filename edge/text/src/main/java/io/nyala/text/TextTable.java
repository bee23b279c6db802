package io.nyala.text;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Lines with columns that line up: text to the left, numbers to the right. Collects rows, then prints them. One thread.
 *
 * <pre>{@code
 * new TextTable("flag", ">quantity").row("A", "3,774,200").print(out);
 * }</pre>
 */
public final class TextTable {
    private static final String INDENT = "  ";
    private static final String GAP = "  ";

    private final boolean[] isRight;
    private final boolean hasTitles;
    private final List<String[]> rows = new ArrayList<>();

    /**
     * @param titles of the columns; one that begins with {@code >} stands to the right. Without any title but those
     *     marks, no line of titles is printed
     */
    public TextTable(String... titles) {
        isRight = new boolean[titles.length];
        String[] row = new String[titles.length];
        for (int i = 0; i < titles.length; i++) {
            isRight[i] = titles[i].startsWith(">");
            row[i] = isRight[i] ? titles[i].substring(1) : titles[i];
        }
        hasTitles = Arrays.stream(row).anyMatch(title -> !title.isEmpty());
        if (hasTitles) {
            rows.add(row);
        }
    }

    /** Adds a line, with a cell for each column. */
    public TextTable row(String... cells) {
        if (cells.length != isRight.length) {
            throw new IllegalArgumentException(cells.length + " cells for " + isRight.length + " columns");
        }
        rows.add(cells);
        return this;
    }

    public void print(PrintWriter out) {
        int[] widths = new int[isRight.length];
        for (String[] row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row[i].length());
            }
        }
        for (int i = 0; i < rows.size(); i++) {
            out.println(line(rows.get(i), widths));
            if (i == 0 && hasTitles) {
                String[] rule = Arrays.stream(widths).mapToObj("-"::repeat).toArray(String[]::new);
                out.println(line(rule, widths));
            }
        }
    }

    private String line(String[] cells, int[] widths) {
        StringBuilder line = new StringBuilder(INDENT);
        for (int i = 0; i < cells.length; i++) {
            String space = " ".repeat(widths[i] - cells[i].length());
            line.append(i == 0 ? "" : GAP).append(isRight[i] ? space + cells[i] : cells[i] + space);
        }
        return line.toString().stripTrailing();
    }
}
