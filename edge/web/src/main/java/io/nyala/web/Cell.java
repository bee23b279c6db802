package io.nyala.web;

import io.nyala.text.Figures;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A value on a page: for scripts as it is, for people as they read it. Immutable.
 *
 * @param value for JSON; null for nothing
 * @param unit of the value, which in JSON is the end of its name; may be empty
 * @param text for people
 * @param isNumber whether digits of several should stand below one another
 * @param link what it leads to
 * @param picture drawn beside the text
 */
record Cell(
        @Nullable Object value,
        String unit,
        String text,
        boolean isNumber,
        Optional<String> link,
        Optional<Svg> picture) {
    /** Texts of users may be of any length, and a page has many. */
    static final int CHARS_MAX = 300;

    private static Cell of(@Nullable Object value, String text, boolean isNumber) {
        return of(value, "", text, isNumber);
    }

    private static Cell of(@Nullable Object value, String unit, String text, boolean isNumber) {
        return new Cell(value, unit, text, isNumber, Optional.empty(), Optional.empty());
    }

    static Cell text(String text) {
        String cut = cut(text);
        return of(cut, cut, false);
    }

    static String cut(String text) {
        if (text.length() <= CHARS_MAX) {
            return text;
        }
        int end = Character.isHighSurrogate(text.charAt(CHARS_MAX - 1)) ? CHARS_MAX - 1 : CHARS_MAX;
        return text.substring(0, end) + "...";
    }

    static Cell none() {
        return of(null, "-", false);
    }

    static Cell flag(boolean value) {
        return of(value, value ? "yes" : "no", false);
    }

    static Cell count(long count) {
        return of(count, Figures.count(count), true);
    }

    static Cell bytes(long bytes) {
        return of(bytes, "bytes", Figures.bytes(bytes), true);
    }

    /** A number that names something. */
    static Cell number(long number) {
        return of(number, Long.toString(number), true);
    }

    /** For people to a second, or a tenth where it is less than ten. */
    static Cell millis(long millis) {
        return of(millis, "millis", duration(Duration.ofMillis(Math.max(0, millis))), true);
    }

    private static String duration(Duration time) {
        long seconds = time.toSeconds();
        if (seconds < 10) {
            return Figures.duration(time.toNanos());
        }
        String text = seconds % 60 + " s";
        text = seconds < 60 ? text : time.toMinutesPart() + " min " + text;
        text = seconds < 3600 ? text : time.toHoursPart() + " h " + text;
        return seconds < 86_400 ? text : Figures.count(time.toDays(), "day", "days") + " " + text;
    }

    /** See {@link Request#address}. */
    Cell linkedTo(String path, String... namesAndValues) {
        String address = Request.address(path, namesAndValues);
        return new Cell(value, unit, text, isNumber, Optional.of(address), picture);
    }

    /** The same for people. */
    Cell withValue(Object newValue, String newUnit) {
        return new Cell(newValue, newUnit, text, isNumber, link, picture);
    }

    Cell with(Svg drawn) {
        return new Cell(value, unit, text, isNumber, link, Optional.of(drawn));
    }
}
