package io.nyala.simulation;

/**
 * The simulated machine has lost its power: whoever sees this is dead and must be dropped, as a process would be. Not a
 * {@code DiskException}, so that no error handling of the tested code takes it for a failed device.
 */
public final class PowerCutException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    PowerCutException(String message) {
        super(message);
    }
}
