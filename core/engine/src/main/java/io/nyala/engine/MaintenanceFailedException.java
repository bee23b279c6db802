package io.nyala.engine;

/** The engine cannot write rows from memory to disk any more: writes go on until memory is full. */
public final class MaintenanceFailedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    MaintenanceFailedException(Throwable cause) {
        super(
                "maintenance has ended because of " + cause
                        + ", so nothing is flushed any more; what was acknowledged is safe, close the engine and open"
                        + " it again",
                cause);
    }
}
