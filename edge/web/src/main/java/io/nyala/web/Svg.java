package io.nyala.web;

import java.util.Locale;

/**
 * A picture in a page: boxes and words, in colours that the page's style gives to their classes. Filled by one thread;
 * {@link #text} is whole.
 */
final class Svg {
    private final StringBuilder text = new StringBuilder();

    /**
     * @param words what it shows, for who cannot see it
     * @param name class of it, which gives its place on the page
     */
    Svg(String name, int width, int height, String words) {
        text.append("<svg class=\"").append(name);
        attribute("viewBox", "0 0 " + width + " " + height);
        attribute("role", "img");
        attribute("aria-label", words);
        text.append("\">");
    }

    /** A box, of which {@code words} are shown when it is pointed at. */
    void box(String name, double x, double y, double width, double height, String words) {
        text.append("<rect class=\"").append(name);
        number("x", x);
        number("y", y);
        number("width", Math.max(0, width));
        number("height", height);
        text.append("\">");
        if (!words.isEmpty()) {
            text.append("<title>");
            Markup.escape(words, text);
            text.append("</title>");
        }
        text.append("</rect>");
    }

    void label(String name, double x, double y, String words) {
        text.append("<text class=\"").append(name);
        number("x", x);
        number("y", y);
        text.append("\">");
        Markup.escape(words, text);
        text.append("</text>");
    }

    private void number(String name, double value) {
        attribute(name, String.format(Locale.ROOT, "%.1f", value));
    }

    /** Within a tag whose last attribute is still to be closed. */
    private void attribute(String name, String value) {
        text.append("\" ").append(name).append("=\"");
        Markup.escape(value, text);
    }

    String text() {
        return text + "</svg>";
    }

    /**
     * A bar that shows what part of a whole is used, with a mark at what is set aside.
     *
     * @param words the same in words
     */
    static Svg bar(long used, long reserved, long whole, String words) {
        int width = 200;
        double scale = (double) width / Math.max(1, whole);
        Svg bar = new Svg("bar", width, 10, words);
        bar.box("whole", 0, 0, width, 10, "");
        bar.box(used > reserved && reserved > 0 ? "over" : "used", 0, 0, Math.min(width, used * scale), 10, words);
        if (reserved > 0) {
            bar.box("mark", Math.min(width - 1, reserved * scale), 0, 1, 10, "");
        }
        return bar;
    }
}
