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

    /** One of the workers that merge. */
    MaintenanceFailedException(String worker, Throwable cause) {
        super(
                worker + " has ended because of " + cause
                        + ", and one merge less is done at a time, none if it was the last that merges; flushes go on,"
                        + " and nothing is lost, but close the engine and open it again",
                cause);
    }
}
