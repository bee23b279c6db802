package io.nyala.compaction;

/**
 * What a policy knows of a rowset. Immutable (the arrays are not to be changed).
 *
 * @param fileId by which it is named
 * @param rowCount rows in it, deleted ones included
 * @param bytes of its file
 * @param changeBytes of the changes since, in files and in memory
 * @param minKey no key in it is less
 * @param maxKey no key in it is greater
 */
@SuppressWarnings("ArrayRecordComponent") // Keys are bytes everywhere; nobody compares these.
public record RowSetShape(long fileId, long rowCount, long bytes, long changeBytes, byte[] minKey, byte[] maxKey) {}
