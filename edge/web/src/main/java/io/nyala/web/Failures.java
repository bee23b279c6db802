package io.nyala.web;

/** Failures in words. Stateless. */
final class Failures {
    /** Long enough for what, where and what to do. */
    private static final int CHARS_MAX = 2000;

    private Failures() {}

    static String text(Throwable failure) {
        String text = failure.getMessage() == null ? failure.toString() : failure.getMessage();
        return text.length() <= CHARS_MAX ? text : text.substring(0, CHARS_MAX) + "...";
    }
}
