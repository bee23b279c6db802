package io.nyala.memory;

/**
 * What one owner holds at a moment. Immutable.
 *
 * @param owner name given when the account was opened
 * @param usedBytes slabs that are out
 * @param peakBytes the most that was ever out at once
 * @param reservedBytes what no other account can take
 */
public record AccountUsage(String owner, long usedBytes, long peakBytes, long reservedBytes) {}
