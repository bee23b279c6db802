package io.nyala.tablet;

/** A batch does not fit in one log record. Nothing of it took effect. */
public final class BatchTooLargeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BatchTooLargeException(int operationCount, long recordBytesMax, int limitBytes) {
        super("a batch of " + operationCount + " operations may need " + recordBytesMax + " bytes in the log; "
                + limitBytes + " is the limit; commit more often, with smaller batches");
    }
}
