package io.nyala.text;

import java.math.BigDecimal;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Maps, lists, numbers, truth values and text as JSON, for scripts. Stateless. */
public final class Json {
    /** A depth that stays below zero at any depth of values. */
    private static final int ONE_LINE = Integer.MIN_VALUE;

    private Json() {}

    /** Indented. */
    public static String text(Object value) {
        StringBuilder target = new StringBuilder();
        append(value, 0, target);
        return target.toString();
    }

    /** On one line. */
    public static String line(Map<String, @Nullable Object> value) {
        StringBuilder target = new StringBuilder();
        append(value, ONE_LINE, target);
        return target.toString();
    }

    private static void append(@Nullable Object value, int depth, StringBuilder target) {
        switch (value) {
            case null -> target.append("null");
            case Map<?, ?> map -> {
                Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
                target.append('{');
                while (entries.hasNext()) {
                    Map.Entry<?, ?> entry = entries.next();
                    line(depth + 1, target);
                    quote(String.valueOf(entry.getKey()), target);
                    target.append(": ");
                    append(entry.getValue(), depth + 1, target);
                    target.append(entries.hasNext() ? depth < 0 ? ", " : "," : "");
                }
                line(depth, target);
                target.append('}');
            }
            case List<?> list -> {
                target.append('[');
                for (int i = 0; i < list.size(); i++) {
                    target.append(i == 0 ? "" : ",");
                    line(depth + 1, target);
                    append(list.get(i), depth + 1, target);
                }
                line(depth, target);
                target.append(']');
            }
            case BigDecimal decimal -> target.append(decimal.toPlainString());
            case Number number -> target.append(number);
            case Boolean truth -> target.append(truth);
            default -> quote(value.toString(), target);
        }
    }

    private static void line(int depth, StringBuilder target) {
        if (depth >= 0) {
            target.append('\n').append("  ".repeat(depth));
        }
    }

    private static void quote(String text, StringBuilder target) {
        target.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> target.append("\\\"");
                case '\\' -> target.append("\\\\");
                case '\n' -> target.append("\\n");
                default -> target.append(c < ' ' ? String.format("\\u%04x", (int) c) : String.valueOf(c));
            }
        }
        target.append('"');
    }
}
