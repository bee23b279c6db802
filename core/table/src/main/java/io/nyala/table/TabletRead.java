package io.nyala.table;

import io.nyala.time.HistoryMark;

/**
 * A tablet that a scan reads, and the snapshot at which it can be read: that of the whole scan, unless the tablet's log
 * has failed before it was durable up to there. Immutable.
 *
 * @param history keeps what the snapshot needs until the tablet's rowsets are open for the scan, which hold it then
 */
public record TabletRead(HostedTablet hosted, long snapshot, HistoryMark.Hold history) {}
