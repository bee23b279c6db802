package io.nyala.web;

import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What is asked for. Immutable.
 *
 * @param path as {@code /tables}
 * @param parameters by name; of several of one name the last
 */
record Request(String path, Map<String, String> parameters) {
    /** Answers are cut into pages of so many lines: small enough to read, to make and to keep. */
    static final int LINES_MAX = 1000;

    private static final int TEXT_CHARS_MAX = 4096;

    Request {
        parameters = Map.copyOf(parameters);
    }

    static Request of(URI uri) {
        String path = uri.getPath() == null ? "/" : uri.getPath();
        Map<String, String> parameters = new HashMap<>();
        String query = uri.getRawQuery() == null ? "" : uri.getRawQuery();
        if (query.length() > TEXT_CHARS_MAX) {
            throw WebException.bad("a query of " + query.length() + " characters; " + TEXT_CHARS_MAX + " is the limit");
        }
        for (String part : query.split("&", -1)) {
            int equals = part.indexOf('=');
            String name = equals < 0 ? part : part.substring(0, equals);
            if (!name.isEmpty()) {
                parameters.put(decoded(name), equals < 0 ? "" : decoded(part.substring(equals + 1)));
            }
        }
        return new Request(path, parameters);
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException _) {
            throw WebException.bad("\"" + text + "\" is not encoded as a URL must be: % and two hexadecimal digits");
        }
    }

    boolean isJson() {
        return parameters.containsKey("json");
    }

    Optional<String> parameter(String name) {
        return Optional.ofNullable(parameters.get(name));
    }

    /** The same with another value of a parameter. */
    Request with(String name, String value) {
        Map<String, String> changed = new HashMap<>(parameters);
        changed.put(name, value);
        return new Request(path, changed);
    }

    /** Where to ask for it. */
    String address() {
        return address(
                path,
                new TreeMap<>(parameters)
                        .entrySet().stream()
                                .flatMap(each -> Stream.of(each.getKey(), each.getValue()))
                                .toArray(String[]::new));
    }

    /** A path with parameters, which are encoded here: names and values in turn. */
    static String address(String path, String... namesAndValues) {
        StringBuilder address = new StringBuilder(path);
        for (int i = 0; i < namesAndValues.length; i += 2) {
            address.append(i == 0 ? '?' : '&')
                    .append(URLEncoder.encode(namesAndValues[i], StandardCharsets.UTF_8))
                    .append('=')
                    .append(URLEncoder.encode(namesAndValues[i + 1], StandardCharsets.UTF_8));
        }
        return address.toString();
    }

    /** The line to begin with, of a list that is longer than a page. */
    int from() {
        String text = parameters.getOrDefault("from", "0");
        try {
            int from = Integer.parseInt(text);
            if (from >= 0) {
                return from;
            }
        } catch (NumberFormatException _) {
            // Said below.
        }
        throw WebException.bad(
                "from=" + text + " is not a number of a line; it must be 0 to " + Integer.MAX_VALUE + ", as 1000");
    }
}
