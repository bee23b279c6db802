package io.nyala.acceptance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What differs on purpose, as {@code docs/KUDU_COMPATIBILITY.md} has it. Stateless. */
final class DifferencesPage {
    private static final String NAME = "docs/KUDU_COMPATIBILITY.md";
    private static final String TITLE = "## What differs on purpose\n";

    private DifferencesPage() {}

    /**
     * A line of the table, without its last column, which says why.
     *
     * @param kudu what a real Kudu does
     * @param here what our server does
     */
    record Line(String subject, String kudu, String here) {}

    static List<Line> lines() throws IOException {
        String page = Files.readString(file(NAME));
        int start = page.indexOf(TITLE);
        if (start < 0) {
            throw new AssertionError(NAME + " has no section \"" + TITLE.strip() + "\"");
        }
        List<Line> lines = new ArrayList<>();
        for (String row : page.substring(start, page.indexOf("\n## ", start + 1))
                .lines()
                .filter(line -> line.startsWith("| ") && !line.startsWith("| subject |"))
                .toList()) {
            String[] cells = row.split("\\|", -1);
            lines.add(new Line(cells[1].strip(), cells[2].strip(), cells[3].strip()));
        }
        return lines;
    }

    /** A file of this source tree, from the directory of the module upwards. */
    static Path file(String name) {
        Path directory = Path.of("").toAbsolutePath();
        while (directory != null && !Files.exists(directory.resolve(name))) {
            directory = directory.getParent();
        }
        if (directory == null) {
            throw new AssertionError(name + " is nowhere above " + Path.of("").toAbsolutePath());
        }
        return directory.resolve(name);
    }
}
