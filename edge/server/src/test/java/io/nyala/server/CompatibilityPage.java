package io.nyala.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code docs/KUDU_COMPATIBILITY.md}, as a test reads it: its sections, its tables, and what it says is refused. */
final class CompatibilityPage {
    private static final Path NAME = Path.of("docs", "KUDU_COMPATIBILITY.md");

    /** What is refused, and the code: {@code Limits on size or rows: NOT_SUPPORTED}. */
    private static final Pattern REFUSED =
            Pattern.compile("([A-Za-z][^.:|;]*): ((?:ERROR_)?(?:NOT_SUPPORTED|INVALID_ARGUMENT|NO_SUCH_METHOD))");

    private final String text;

    private CompatibilityPage(String text) {
        this.text = text;
    }

    /** From the directory of the module upwards. */
    static CompatibilityPage read() throws IOException {
        Path directory = Path.of("").toAbsolutePath();
        while (directory != null && !Files.exists(directory.resolve(NAME))) {
            directory = directory.getParent();
        }
        if (directory == null) {
            throw new AssertionError(NAME + " is nowhere above " + Path.of("").toAbsolutePath());
        }
        return new CompatibilityPage(Files.readString(directory.resolve(NAME)));
    }

    private String section(String title) {
        int start = text.indexOf("## " + title + "\n");
        if (start < 0) {
            throw new AssertionError("no section \"" + title + "\"");
        }
        int end = text.indexOf("\n## ", start + 1);
        return text.substring(start, end < 0 ? text.length() : end);
    }

    /** The first two cells of each row of the section's table. */
    Map<String, String> table(String title) {
        Map<String, String> rows = new LinkedHashMap<>();
        section(title)
                .lines()
                .filter(line -> line.startsWith("| ") && !line.startsWith("|---"))
                .map(line -> line.split("\\|", -1))
                .forEach(cells -> rows.put(cells[1].strip(), cells[2].strip()));
        return rows;
    }

    /** Names in a sentence of the section that begins like this and ends with a full stop. */
    Set<String> names(String title, String beginning) {
        String section = section(title).replaceAll("\\s+", " ");
        int start = section.indexOf(beginning);
        if (start < 0) {
            throw new AssertionError("\"" + beginning + "\" is not in section " + title);
        }
        start += beginning.length();
        return new LinkedHashSet<>(split(section.substring(start, section.indexOf('.', start))));
    }

    static List<String> split(String names) {
        return Arrays.stream(names.split(",")).map(String::strip).toList();
    }

    /** What is refused anywhere, by its words, and with which code. */
    Map<String, String> refusals() {
        Map<String, String> refused = new LinkedHashMap<>();
        Matcher matcher = REFUSED.matcher(text.replaceAll("\\s+", " "));
        while (matcher.find()) {
            refused.put(matcher.group(1).strip(), matcher.group(2));
        }
        return refused;
    }
}
