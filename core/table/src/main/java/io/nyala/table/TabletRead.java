package io.nyala.table;

/**
 * A tablet that a scan reads, and the snapshot at which it can be read: that of the whole scan, unless the tablet's log
 * has failed before it was durable up to there. Immutable.
 */
public record TabletRead(HostedTablet hosted, long snapshot) {}
