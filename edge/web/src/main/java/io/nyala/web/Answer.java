package io.nyala.web;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * What is sent, complete before the first byte goes out. Immutable (the array is not to be changed).
 *
 * @param status of HTTP
 * @param contentType with its character set
 * @param body may be nothing
 * @param next where the rest is of a list that is longer than a page
 */
@SuppressWarnings("ArrayRecordComponent") // Written to a stream, never compared.
record Answer(int status, String contentType, byte[] body, Optional<String> next) {
    static final String HTML = "text/html; charset=utf-8";
    static final String JSON = "application/json; charset=utf-8";
    static final String TEXT = "text/plain; charset=utf-8";

    /** Of a page. Lists are cut into pages of lines of bounded length; this is many times what those come to. */
    private static final int BYTES_MAX = 16 << 20;

    Answer {
        if (body.length > BYTES_MAX) {
            throw new IllegalStateException("an answer of " + body.length + " bytes; " + BYTES_MAX + " is the limit");
        }
    }

    static Answer of(int status, String contentType, String text) {
        return new Answer(status, contentType, text.getBytes(StandardCharsets.UTF_8), Optional.empty());
    }

    Answer withNext(Optional<String> address) {
        return new Answer(status, contentType, body, address);
    }
}
