package io.nyala.web;

/**
 * A scanner that a client reads from. Immutable.
 *
 * @param id as the client names it
 * @param user who opened it
 * @param table that it reads
 * @param tabletId number of the tablet that it reads
 * @param snapshot hybrid time whose state it reads
 * @param ageMillis since it was opened
 * @param idleMillis since the client last asked for it
 */
public record OpenScanner(
        String id, String user, String table, long tabletId, long snapshot, long ageMillis, long idleMillis) {}
