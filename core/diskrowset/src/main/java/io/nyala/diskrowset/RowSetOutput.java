package io.nyala.diskrowset;

/**
 * A rowset that was written.
 *
 * @param fileId name of its file
 * @param rowCount rows in it, deleted ones included
 * @param fileBytes size of its file
 */
public record RowSetOutput(long fileId, long rowCount, long fileBytes) {}
