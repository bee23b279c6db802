package io.nyala.cli;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads conditions as they stand behind {@code --where}:
 *
 * <pre>{@code
 * conditions  ::=  condition ( AND condition )*
 * condition   ::=  column ( = | < | <= | > | >= ) value
 *               |  column IN ( value , ... )
 *               |  column IS [NOT] NULL
 * column      ::=  name  |  "name with anything in it"
 * value       ::=  'text', with '' for a quote  |  anything without blanks, commas and brackets
 * }</pre>
 *
 * One use, one thread.
 */
final class Conditions {
    private static final Pattern TOKEN =
            Pattern.compile("\\s*('(?:[^']|'')*'|\"[^\"]+\"|<=|>=|[=<>(),]|[^\\s=<>(),'\"]+)");

    private final Schema schema;
    private final String text;
    private final List<String> tokens = new ArrayList<>();
    private int next;

    private Conditions(Schema schema, String text) {
        this.schema = schema;
        this.text = text;
        Matcher matcher = TOKEN.matcher(text);
        int end = 0;
        while (matcher.lookingAt()) {
            tokens.add(matcher.group(1));
            end = matcher.end();
            matcher.region(end, text.length());
        }
        if (!text.substring(end).isBlank()) {
            throw new UsageException("cannot read \"" + text.substring(end).strip() + "\" in the condition: " + text);
        }
    }

    /**
     * The predicates that a text says, all of which must hold.
     *
     * @throws UsageException if it makes no sense for the schema: what was expected where
     */
    static List<Predicate> parse(Schema schema, String text) {
        return new Conditions(schema, text).all();
    }

    private List<Predicate> all() {
        List<Predicate> predicates = new ArrayList<>();
        predicates.add(condition());
        while (next < tokens.size()) {
            expect("AND");
            predicates.add(condition());
        }
        return predicates;
    }

    private Predicate condition() {
        Column column = column();
        String operator = take("=, <, <=, >, >=, IN or IS behind the column").toUpperCase(Locale.ROOT);
        String name = column.name();
        try {
            return switch (operator) {
                case "=" -> Predicate.equal(schema, name, value(column));
                case "<" -> Predicate.lessThan(schema, name, value(column));
                case "<=" -> Predicate.atMost(schema, name, value(column));
                case ">" -> Predicate.greaterThan(schema, name, value(column));
                case ">=" -> Predicate.atLeast(schema, name, value(column));
                case "IN" -> Predicate.in(schema, name, list(column));
                case "IS" -> isNull(name);
                default -> throw wrong("=, <, <=, >, >=, IN or IS behind the column", operator);
            };
        } catch (IllegalArgumentException e) {
            throw new UsageException("column \"" + name + "\" is " + column.type() + ": " + e.getMessage());
        }
    }

    private Column column() {
        String name = take("a column");
        if (name.startsWith("\"")) {
            name = name.substring(1, name.length() - 1);
        }
        int index = schema.indexOf(name);
        if (index < 0) {
            throw new UsageException("there is no column \"" + name + "\"; the table has "
                    + schema.columns().stream().map(Column::name).toList());
        }
        return schema.column(index);
    }

    private Predicate isNull(String name) {
        if (isNext("NOT")) {
            next++;
            expect("NULL");
            return Predicate.isNotNull(schema, name);
        }
        expect("NULL");
        return Predicate.isNull(schema, name);
    }

    private List<Object> list(Column column) {
        List<Object> values = new ArrayList<>();
        expect("(");
        values.add(value(column));
        while (isNext(",")) {
            next++;
            values.add(value(column));
        }
        expect(")");
        return values;
    }

    private Object value(Column column) {
        String value = take("a value");
        if (value.startsWith("'")) {
            value = value.substring(1, value.length() - 1).replace("''", "'");
        }
        try {
            return switch (column.type()) {
                case BOOL -> truth(value);
                case INT8, INT16, INT32, INT64 -> Long.parseLong(value);
                case DECIMAL32, DECIMAL64, DECIMAL128 -> new BigDecimal(value);
                case FLOAT -> Float.parseFloat(value);
                case DOUBLE -> Double.parseDouble(value);
                case STRING, VARCHAR -> value;
                case BINARY -> HexFormat.of().parseHex(value);
                case DATE -> LocalDate.parse(value);
                case UNIXTIME_MICROS -> Instant.parse(value);
            };
        } catch (IllegalArgumentException | DateTimeParseException _) { // Their messages do not say what is wanted.
            throw new UsageException("column \"" + column.name() + "\" is " + column.type() + ": "
                    + example(column.type()) + " was expected, not " + value);
        }
    }

    private static String example(ColumnType type) {
        return switch (type) {
            case BOOL -> "true or false";
            case INT8, INT16, INT32, INT64 -> "a whole number of 64 bits";
            case DECIMAL32, DECIMAL64, DECIMAL128 -> "a decimal such as 12.50";
            case FLOAT, DOUBLE -> "a number such as 1.5 or 2e9";
            case STRING, VARCHAR -> "a text";
            case BINARY -> "bytes in hexadecimal such as 00ff";
            case DATE -> "a date such as 2026-01-31";
            case UNIXTIME_MICROS -> "a time such as 2026-01-31T12:00:00Z";
        };
    }

    private static boolean truth(String value) {
        return switch (value.toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException(value);
        };
    }

    private boolean isNext(String token) {
        return next < tokens.size() && tokens.get(next).equalsIgnoreCase(token);
    }

    private void expect(String token) {
        String found = take(token);
        if (!found.equalsIgnoreCase(token)) {
            throw wrong(token, found);
        }
    }

    private String take(String expected) {
        if (next == tokens.size()) {
            throw new UsageException("the condition ends where " + expected + " was expected: " + text);
        }
        return tokens.get(next++);
    }

    private UsageException wrong(String expected, String found) {
        return new UsageException(expected + " was expected, not " + found + ", in the condition: " + text);
    }
}
