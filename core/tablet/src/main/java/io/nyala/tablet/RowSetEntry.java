package io.nyala.tablet;

/**
 * A rowset as the storage log knows it.
 *
 * @param fileId name of its file
 * @param rowCount rows in it, deleted ones included
 * @param fileBytes size of its file
 */
public record RowSetEntry(long fileId, long rowCount, long fileBytes) {}
