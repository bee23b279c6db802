package io.nyala.record;

/** The operations of a batch that were refused, in their order. */
public interface RequestErrors {
    int errorCount();

    /** Which operation of the whole batch it was, counted as they were started. */
    int errorIndex(int error);

    /** Why: {@link io.nyala.rows.RowErrorCode#code}. */
    int errorCodeNumber(int error);
}
