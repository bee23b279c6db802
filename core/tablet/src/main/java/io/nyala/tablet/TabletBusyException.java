package io.nyala.tablet;

/** A batch was refused because something it needs is not to be had now: nothing of it took effect; try again later. */
public final class TabletBusyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TabletBusyException(String message) {
        super(message);
    }

    public TabletBusyException(String message, Throwable cause) {
        super(message, cause);
    }
}
