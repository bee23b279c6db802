package io.nyala.engine;

/**
 * What is stored for a table.
 *
 * @param rowCount rows in memory and on disk, deleted ones whose history is kept included
 * @param memoryBytes native memory of rows not yet on disk
 * @param rowSetCount rowsets on disk
 * @param diskBytes bytes of their files; the log is not counted
 */
public record TableStatistics(long rowCount, long memoryBytes, int rowSetCount, long diskBytes) {}
