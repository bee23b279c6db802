package io.nyala.record;

/**
 * A request whose answer was forgotten, because its client has heard it or has made a great many requests since.
 * Nothing was done: it may have taken effect long ago.
 */
public final class StaleRequestException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    StaleRequestException(RequestName name, long forgottenBelow) {
        super(name + " is stale: the answers of this client's requests below " + forgottenBelow
                + " were forgotten, so nobody knows whether it took effect. Read the rows to find out; give new rows a"
                + " new number, and repeat a request only while it is not below the firstIncomplete of later ones,"
                + " nor more than " + RequestLimits.REQUESTS_PER_CLIENT_MAX + " requests old");
    }
}
