package io.nyala.web;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a page says, whatever it will look like: {@link HtmlText} and {@link JsonText} write it. Filled by one thread.
 */
final class Page {
    private final String title;
    private final List<Section> sections = new ArrayList<>();
    private Optional<String> previous = Optional.empty();
    private Optional<String> next = Optional.empty();

    Page(String title) {
        this.title = title;
    }

    /** A part of a page. */
    sealed interface Section permits Facts, Grid, Drawing, Note {}

    /**
     * Values with names.
     *
     * @param title empty for those of the page itself
     */
    record Facts(String title, List<Fact> facts) implements Section {}

    /** A value with its name. */
    record Fact(String name, Cell value) {}

    /**
     * Lines of values under headings.
     *
     * @param whenEmpty said where there is no line
     */
    record Grid(String title, List<String> headings, List<List<Cell>> lines, String whenEmpty) implements Section {}

    /** For people only. */
    record Drawing(String title, Svg picture, String words) implements Section {}

    /**
     * A sentence for people.
     *
     * @param isWarning whether something is wrong
     */
    record Note(String text, boolean isWarning) implements Section {}

    String title() {
        return title;
    }

    List<Section> sections() {
        return sections;
    }

    Page add(Section section) {
        sections.add(section);
        return this;
    }

    /** Names and values in turn. */
    Page facts(String heading, Object... namesAndValues) {
        List<Fact> facts = new ArrayList<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            facts.add(new Fact((String) namesAndValues[i], (Cell) namesAndValues[i + 1]));
        }
        return add(new Facts(heading, facts));
    }

    Page note(String text) {
        return add(new Note(text, false));
    }

    Page warning(String text) {
        return add(new Note(text, true));
    }

    /** Part of a list: which lines of how many, and where the others are. */
    Page part(Request request, int from, int to, int count) {
        if (from > 0 || to < count) {
            note("Lines " + (from + 1) + " to " + to + " of " + count + ".");
        }
        previous = from > 0 ? Optional.of(address(request, Math.max(0, from - Request.LINES_MAX))) : Optional.empty();
        next = to < count ? Optional.of(address(request, to)) : Optional.empty();
        return this;
    }

    private static String address(Request request, int from) {
        return request.with("from", Integer.toString(from)).address();
    }

    Optional<String> previous() {
        return previous;
    }

    Optional<String> next() {
        return next;
    }
}
