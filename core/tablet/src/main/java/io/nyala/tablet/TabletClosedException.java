package io.nyala.tablet;

/**
 * The tablet was closed, or its engine; what was handed over but not acknowledged may or may not be found at the next
 * open.
 */
public final class TabletClosedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TabletClosedException(long tabletId) {
        super("tablet " + tabletId
                + " is closed; writes that were not acknowledged may be missing, open the engine again");
    }
}
