package io.nyala.record;

/** What an answer says: the operations of a batch that were refused, in their order; then numbers, if there are any. */
public interface RequestErrors {
    /** Operations and numbers together. */
    int errorCount();

    /** Which operation of the whole batch it was, counted as they were started; or a number. */
    int errorIndex(int error);

    /** Why: {@link io.nyala.rows.RowErrorCode#code}; or what the number is of: {@link AnswerCount#code}. */
    int errorCodeNumber(int error);
}
