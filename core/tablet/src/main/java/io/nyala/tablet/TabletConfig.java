package io.nyala.tablet;

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
 * @param answers what there is for the answers of named requests; shared by the tablets of a host
 */
public record TabletConfig(
        long id,
        Schema schema,
        MemoryAccount memory,
        long flushBytes,
        TabletClock clock,
        Runnable maintenanceWake,
        AnswerRoom answers) {
    public TabletConfig {
        Check.that(id > 0, "a tablet id is positive, was " + id);
        Check.that(flushBytes > 0, "flushBytes must be positive, was " + flushBytes);
    }

    /** Of a tablet that is alone. */
    public TabletConfig(
            long id,
            Schema schema,
            MemoryAccount memory,
            long flushBytes,
            TabletClock clock,
            Runnable maintenanceWake) {
        this(id, schema, memory, flushBytes, clock, maintenanceWake, AnswerRoom.unlimited());
    }
}
