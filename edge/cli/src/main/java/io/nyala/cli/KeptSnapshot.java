package io.nyala.cli;

import io.nyala.engine.Table;
import io.nyala.time.HybridTime;
import java.util.ArrayList;
import java.util.List;

/**
 * A state of a table that has a name. Immutable.
 *
 * @param table its name
 * @param time hybrid time of the state
 * @param seconds how old it is
 * @param isOld whether history is kept only because of it
 */
record KeptSnapshot(String table, String name, long time, long seconds, boolean isOld) {
    private static final long MICROS_PER_SECOND = 1_000_000;

    /** Those of a table, by their names. */
    static List<KeptSnapshot> all(Table table, long nowMicros) {
        List<KeptSnapshot> all = new ArrayList<>();
        table.snapshots().forEach((name, time) -> {
            long seconds = Math.max(0, nowMicros - HybridTime.micros(time)) / MICROS_PER_SECOND;
            boolean isOld = table.historySecondsMax() >= 0 && seconds > table.historySecondsMax();
            all.add(new KeptSnapshot(table.name(), name, time, seconds, isOld));
        });
        return all;
    }
}
