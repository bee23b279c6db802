package io.nyala.memory;

/**
 * Receives a format's own explanation of its bytes, field by field. The dump tool prints them beside the hexadecimal
 * bytes and the golden tests compare the same text, so neither needs to parse a format itself.
 *
 * <p>Called by one thread. Fields come in ascending order of offset within a section and do not overlap.
 */
public interface Notes {
    /**
     * A field: {@code bytes} bytes from {@code offset} of the annotated segment, and what they say, such as
     * {@code "count: 3"}.
     */
    void note(long offset, int bytes, String text);

    /** Starts a named group, inside the one that is open. */
    void section(String title);

    /** Ends the innermost open group. */
    void endSection();
}
