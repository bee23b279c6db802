package io.nyala.tablet;

/** A batch does not fit in one log record, or its rows not in memory. Nothing of it took effect. */
public final class BatchTooLargeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private BatchTooLargeException(String message) {
        super(message);
    }

    static BatchTooLargeException ofRecord(int operationCount, long recordBytesMax, int limitBytes) {
        return new BatchTooLargeException("a batch of " + operationCount + " operations may need " + recordBytesMax
                + " bytes in the log; " + limitBytes + " is the limit; commit more often, with smaller batches");
    }

    static BatchTooLargeException ofRows(int operationCount, long rowBytesMax, long limitBytes) {
        return new BatchTooLargeException("a batch of " + operationCount + " operations may need " + rowBytesMax
                + " bytes for its rows in memory; " + limitBytes + " is the limit with nothing else there; commit more"
                + " often, with smaller batches, or open with a larger memoryBytes");
    }
}
