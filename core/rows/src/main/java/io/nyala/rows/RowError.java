package io.nyala.rows;

/**
 * One operation of a batch that was not done, and why; the others are not touched by it. Immutable.
 *
 * @param operationIndex which operation of the batch, in the order in which they were started, from 0
 * @param code for code
 * @param message for people: the column, the value's kind and the limit, never the value itself
 */
public record RowError(int operationIndex, RowErrorCode code, String message) {}
