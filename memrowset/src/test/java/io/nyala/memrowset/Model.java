package io.nyala.memrowset;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a MemRowSet should be: for each key all versions, oldest first, in a sorted map. */
final class Model {
    /** @param cells null if the row is deleted from this time on */
    record Version(long time, @Nullable Cells cells) {}

    final TreeMap<byte[], List<Version>> rows = new TreeMap<>(Arrays::compareUnsigned);

    void put(byte[] key, long time, @Nullable Cells cells) {
        rows.computeIfAbsent(key, _ -> new ArrayList<>()).add(new Version(time, cells));
    }

    boolean contains(byte[] key) {
        return rows.containsKey(key);
    }

    @Nullable
    Cells newest(byte[] key) {
        return at(rows.getOrDefault(key, List.of()), Long.MAX_VALUE);
    }

    /** The row as it is at a snapshot, null if it is not live then. */
    static @Nullable Cells at(List<Version> versions, long snapshot) {
        Cells cells = null;
        for (Version version : versions) {
            if (version.time() <= snapshot) {
                cells = version.cells();
            }
        }
        return cells;
    }

    /** Live rows at a snapshot. */
    NavigableMap<byte[], Cells> snapshot(long time) {
        var live = new TreeMap<byte[], Cells>(Arrays::compareUnsigned);
        rows.forEach((key, versions) -> {
            Cells cells = at(versions, time);
            if (cells != null) {
                live.put(key, cells);
            }
        });
        return live;
    }
}
