package io.nyala.web;

import io.nyala.text.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Pages for scripts. Names are those that people see, as {@code rowsInMemory}, and the unit, as {@code uptimeMillis};
 * what has no title belongs to the page itself. Stateless.
 */
final class JsonText {
    private JsonText() {}

    static String of(Page page) {
        Map<String, @Nullable Object> all = new LinkedHashMap<>();
        List<String> warnings = new ArrayList<>();
        for (Page.Section section : page.sections()) {
            switch (section) {
                case Page.Facts facts -> {
                    if (facts.title().isEmpty()) {
                        all.putAll(values(facts));
                    } else {
                        all.put(key(facts.title()), values(facts));
                    }
                }
                case Page.Grid grid ->
                    all.put(
                            key(grid.title()),
                            grid.lines().stream()
                                    .map(line -> values(grid, line))
                                    .toList());
                case Page.Note note -> {
                    if (note.isWarning()) {
                        warnings.add(note.text());
                    }
                }
                case Page.Drawing _ -> {}
            }
        }
        if (!warnings.isEmpty()) {
            all.put("warnings", warnings);
        }
        page.next().ifPresent(next -> all.put("next", next));
        return Json.text(all) + "\n";
    }

    private static Map<String, @Nullable Object> values(Page.Facts facts) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        facts.facts()
                .forEach(fact ->
                        values.put(key(fact.name(), fact.value()), fact.value().value()));
        return values;
    }

    private static Map<String, @Nullable Object> values(Page.Grid grid, List<Cell> line) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        for (int i = 0; i < line.size(); i++) {
            values.put(key(grid.headings().get(i), line.get(i)), line.get(i).value());
        }
        return values;
    }

    /** With the unit, which for people stands behind the number: {@code onDiskBytes}. */
    private static String key(String name, Cell value) {
        return name.endsWith(value.unit()) ? key(name) : key(name + " " + value.unit());
    }

    /** {@code rowsInMemory} of {@code rows in memory}. */
    static String key(String name) {
        StringBuilder key = new StringBuilder();
        for (String word : name.split("[^A-Za-z0-9]+", -1)) {
            if (!word.isEmpty()) {
                String small = word.toLowerCase(Locale.ROOT);
                key.append(key.isEmpty() ? small : small.substring(0, 1).toUpperCase(Locale.ROOT) + small.substring(1));
            }
        }
        return key.toString();
    }
}
