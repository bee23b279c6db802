package io.nyala.web;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Reads JSON as RFC 8259 has it, and nothing else: maps, lists, text, longs, doubles, truth values. One thread. */
final class JsonReader {
    private final String text;
    private int at;

    private JsonReader(String text) {
        this.text = text;
    }

    static @Nullable Object read(String text) {
        JsonReader reader = new JsonReader(text);
        Object value = reader.value();
        reader.skip();
        if (reader.at != text.length()) {
            throw reader.bad("the end");
        }
        return value;
    }

    @SuppressWarnings("unchecked") // A test that expects another kind is to fail.
    static Map<String, Object> map(@Nullable Object value) {
        return (Map<String, Object>) Objects.requireNonNull(value);
    }

    @SuppressWarnings("unchecked") // As above.
    static List<Object> list(@Nullable Object value) {
        return (List<Object>) Objects.requireNonNull(value);
    }

    private IllegalArgumentException bad(String expected) {
        int end = Math.min(text.length(), at + 40);
        return new IllegalArgumentException(
                "expected " + expected + " at " + at + ", found: " + text.substring(Math.min(at, end), end));
    }

    private void skip() {
        while (at < text.length() && " \n\r\t".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private char next() {
        skip();
        if (at == text.length()) {
            throw bad("a value");
        }
        return text.charAt(at);
    }

    private void expect(String literal) {
        skip();
        if (!text.startsWith(literal, at)) {
            throw bad(literal);
        }
        at += literal.length();
    }

    private @Nullable Object value() {
        return switch (next()) {
            case '{' -> members();
            case '[' -> elements();
            case '"' -> string();
            case 't' -> literal("true", true);
            case 'f' -> literal("false", false);
            case 'n' -> literal("null", null);
            default -> number();
        };
    }

    private @Nullable Object literal(String word, @Nullable Object value) {
        expect(word);
        return value;
    }

    private Map<String, @Nullable Object> members() {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        expect("{");
        while (next() != '}') {
            if (!members.isEmpty()) {
                expect(",");
                skip();
            }
            String name = string();
            expect(":");
            if (members.containsKey(name)) {
                throw bad("another name than " + name + " again");
            }
            members.put(name, value());
        }
        expect("}");
        return members;
    }

    private List<@Nullable Object> elements() {
        List<@Nullable Object> elements = new ArrayList<>();
        expect("[");
        while (next() != ']') {
            if (!elements.isEmpty()) {
                expect(",");
            }
            elements.add(value());
        }
        expect("]");
        return elements;
    }

    private String string() {
        StringBuilder string = new StringBuilder();
        if (text.charAt(at) != '"') {
            throw bad("a text");
        }
        at++;
        while (text.charAt(at) != '"') {
            char c = text.charAt(at++);
            if (c < ' ') {
                throw bad("an escape");
            }
            string.append(c == '\\' ? escaped() : c);
        }
        at++;
        return string.toString();
    }

    private char escaped() {
        char c = text.charAt(at++);
        int known = "\"\\/bfnrt".indexOf(c);
        if (known >= 0) {
            return "\"\\/\b\f\n\r\t".charAt(known);
        }
        if (c != 'u') {
            throw bad("an escape");
        }
        at += 4;
        return (char) Integer.parseInt(text.substring(at - 4, at), 16);
    }

    private Number number() {
        int from = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        String number = text.substring(from, at);
        if (!number.matches("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")) {
            throw bad("a number");
        }
        return number.matches("-?[0-9]+") ? (Number) Long.valueOf(number) : (Number) Double.valueOf(number);
    }
}
