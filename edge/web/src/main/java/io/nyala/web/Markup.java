package io.nyala.web;

/**
 * Text as it may stand in HTML and SVG, between tags and in attributes in double quotes. Stateless.
 *
 * <p>Names and keys are whatever users have made of them. Nothing of them ends a tag or an attribute; what cannot be
 * seen, or would turn the direction of what follows, is shown as a sign that says so.
 */
final class Markup {
    private static final char UNSEEN = '\uFFFD';

    private Markup() {}

    static void escape(String text, StringBuilder target) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> target.append("&amp;");
                case '<' -> target.append("&lt;");
                case '>' -> target.append("&gt;");
                case '"' -> target.append("&quot;");
                case '\'' -> target.append("&#39;");
                case '\n', '\t' -> target.append(c);
                default -> target.append(isUnseen(c) ? UNSEEN : c);
            }
        }
    }

    private static boolean isUnseen(char c) {
        return Character.isISOControl(c) // With them the end of a text could stand before its beginning:
                || (c >= '\u202A' && c <= '\u202E')
                || (c >= '\u2066' && c <= '\u2069')
                || c == '\u200E'
                || c == '\u200F'
                || (c >= '\uFFFE');
    }
}
