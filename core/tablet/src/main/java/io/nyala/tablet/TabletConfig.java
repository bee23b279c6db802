package io.nyala.tablet;

import io.nyala.compaction.WritePace;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.record.AnswerRoom;
import io.nyala.rows.Schema;
import io.nyala.time.TabletClock;

/**
 * What a tablet is made of.
 *
 * @param id unique on its host, never used again
 * @param schema of its rows
 * @param memory pays for MemRowSets; shared by the tablets of a host
 * @param flushBytes a MemRowSet of this size asks to be flushed
 * @param clock the host's
 * @param maintenanceWake called when there is something to flush
 * @param slowdownHeight so many rowsets one over the other, on average, slow who writes; {@link WritePace#NEVER} for
 *     none
 * @param answers what there is for the answers of named requests; shared by the tablets of a host
 */
public record TabletConfig(
        long id,
        Schema schema,
        MemoryAccount memory,
        long flushBytes,
        TabletClock clock,
        Runnable maintenanceWake,
        int slowdownHeight,
        AnswerRoom answers) {
    /** However far merges are behind: who writes can have a flush a minute. */
    private static final int SECONDS_PER_FLUSH_MAX = 60;

    public TabletConfig {
        Check.that(id > 0, "a tablet id is positive, was " + id);
        Check.that(flushBytes > 0, "flushBytes must be positive, was " + flushBytes);
        Check.that(slowdownHeight >= 0, "slowdownHeight is not negative, was " + slowdownHeight);
    }

    WritePace newPace() {
        return new WritePace(slowdownHeight, Math.max(1, flushBytes / SECONDS_PER_FLUSH_MAX));
    }

    /** Of a tablet that is alone. */
    public TabletConfig(
            long id,
            Schema schema,
            MemoryAccount memory,
            long flushBytes,
            TabletClock clock,
            Runnable maintenanceWake) {
        this(id, schema, memory, flushBytes, clock, maintenanceWake, WritePace.NEVER, AnswerRoom.unlimited());
    }
}
