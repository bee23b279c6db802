package io.nyala.tablet;

/** The tablet met an error that leaves its state in doubt: it takes no writes until the engine is opened again. */
public final class TabletFailedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TabletFailedException(long tabletId, Throwable cause) {
        super(
                "tablet " + tabletId + " stopped taking writes, because one failed half-way: " + cause
                        + "; what was acknowledged is safe, close the engine and open it again",
                cause);
    }
}
