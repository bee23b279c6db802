package io.nyala.web;

/** A request that is not answered with what it asks for. */
final class WebException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;

    private WebException(int status, String message) {
        super(message, null, false, false); // It is an answer; nobody looks at where it was made.
        this.status = status;
    }

    /** The request makes no sense: what, and what would. */
    static WebException bad(String message) {
        return new WebException(400, message);
    }

    /** There is nothing of that name. */
    static WebException notFound(String message) {
        return new WebException(404, message);
    }

    /** Not now. */
    static WebException unavailable(String message) {
        return new WebException(503, message);
    }

    /** Of HTTP. */
    int status() {
        return status;
    }

    String text() {
        return String.valueOf(getMessage());
    }
}
