package io.nyala.server;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** {@code request-fields.txt}: what becomes of each field of each request. Immutable. */
final class RequestFields {
    /** What becomes of a field. */
    enum Kind {
        READ,
        REFUSED,
        IGNORED
    }

    /**
     * What the table says of a field, or of all below it.
     *
     * @param detail the code of a refusal, or why a field is ignored
     * @param isOfAll whether it is said of all below the path
     */
    record Verdict(Kind kind, String detail, boolean isOfAll) {}

    private final Map<String, Map<String, Verdict>> sections = new LinkedHashMap<>();

    private RequestFields() {}

    static RequestFields read() throws IOException {
        RequestFields fields = new RequestFields();
        String section = "";
        for (String line : lines("request-fields.txt")) {
            if (line.isBlank() || line.startsWith("#")) {
                continue;
            }
            if (!line.startsWith(" ")) {
                section = line.strip();
                if (fields.sections.put(section, new LinkedHashMap<>()) != null) {
                    throw new AssertionError(section + " is there twice");
                }
            } else {
                fields.add(section, line.strip().split("\\s+", 3));
            }
        }
        return fields;
    }

    static List<String> lines(String resource) throws IOException {
        try (InputStream in =
                        Objects.requireNonNull(RequestFields.class.getResourceAsStream("/" + resource), resource);
                BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            return reader.lines().toList();
        }
    }

    private void add(String section, String[] words) {
        for (String path : paths(words[0])) {
            switch (words[1]) {
                case "read" -> put(section, path, new Verdict(Kind.READ, "", path.endsWith(".*")));
                case "refused" -> put(section, path, new Verdict(Kind.REFUSED, words[2], path.endsWith(".*")));
                case "ignored" -> put(section, path, new Verdict(Kind.IGNORED, words[2], path.endsWith(".*")));
                case "like" -> of(words[2]).forEach((below, verdict) -> put(section, path + "." + below, verdict));
                default -> throw new AssertionError(section + " " + path + " is \"" + words[1] + "\"");
            }
        }
    }

    /** A later line counts where an earlier one was like a shape. */
    private void put(String section, String path, Verdict verdict) {
        of(section).put(path, verdict);
    }

    /** {@code a.b,c} is {@code a.b} and {@code a.c}. */
    private static List<String> paths(String names) {
        int dot = names.substring(0, names.indexOf(',') < 0 ? names.length() : names.indexOf(','))
                .lastIndexOf('.');
        List<String> paths = new ArrayList<>();
        for (String name : names.substring(dot + 1).split(",", -1)) {
            paths.add(names.substring(0, dot + 1) + name);
        }
        return names.endsWith(".*") ? List.of(names) : paths;
    }

    /** Of a shape or a request; by path. */
    Map<String, Verdict> of(String section) {
        Map<String, Verdict> found = sections.get(section);
        if (found == null) {
            throw new AssertionError(section + " is not in the table, or not yet");
        }
        return found;
    }

    /** Of shapes and requests. */
    Set<String> names() {
        return sections.keySet();
    }
}
