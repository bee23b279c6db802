package io.nyala.record;

/** A request under a name that was given to other rows before. Nothing was done. */
public final class RequestMismatchException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public RequestMismatchException(RequestName name, int operationIndex) {
        super(name + " was answered before with an error of operation " + operationIndex
                + ", and this batch has no such operation here: other rows have its name. Repeat a request with the"
                + " rows that it had, and give other rows a number of their own");
    }
}
