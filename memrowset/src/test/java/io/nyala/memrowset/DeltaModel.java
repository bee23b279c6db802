package io.nyala.memrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.CellValue;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.RowChange;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What a DeltaMemStore should be: for each ordinal all changes, oldest first, in a sorted map. */
final class DeltaModel {
    /** @param cells null for a DELETE */
    record Entry(long time, @Nullable Map<Integer, @Nullable CellValue> cells) {}

    /** @param cells all that were set; empty if the row is deleted */
    record State(boolean isDeleted, Map<Integer, @Nullable CellValue> cells) {
        State() {
            this(false, new TreeMap<>());
        }

        State with(@Nullable Map<Integer, @Nullable CellValue> more) {
            if (more == null) {
                return new State(true, Map.of());
            }
            cells.putAll(more);
            return this;
        }
    }

    final TreeMap<Long, List<Entry>> rows = new TreeMap<>();
    long changeCount;

    void add(long ordinal, long time, @Nullable Map<Integer, @Nullable CellValue> cells) {
        rows.computeIfAbsent(ordinal, _ -> new ArrayList<>()).add(new Entry(time, cells));
        changeCount++;
    }

    boolean isDeleted(long ordinal) {
        return rows.containsKey(ordinal) && rows.get(ordinal).getLast().cells() == null;
    }

    /** What became of the rows from one ordinal up to another, excluded, up to a snapshot. */
    Map<Long, State> at(long from, long to, long snapshot) {
        var states = new TreeMap<Long, State>();
        rows.subMap(from, Math.max(from, to)).forEach((ordinal, entries) -> {
            for (Entry entry : entries) {
                if (entry.time() <= snapshot) {
                    states.put(
                            ordinal, states.getOrDefault(ordinal, new State()).with(entry.cells()));
                }
            }
        });
        return states;
    }

    /** The same as {@link #at}, by the changes that a source answers, which must come in the promised order. */
    static Map<Long, State> read(DeltaSource source, long from, long to, long snapshot) {
        var states = new TreeMap<Long, State>();
        long ordinal = -1;
        long time = 0;
        try (DeltaSource.Cursor cursor = source.changes(from, to, snapshot)) {
            while (cursor.next()) {
                assertTrue(cursor.ordinal() >= ordinal, cursor.ordinal() + " after " + ordinal);
                assertTrue(cursor.ordinal() > ordinal || cursor.time() >= time, cursor.time() + " after " + time);
                ordinal = cursor.ordinal();
                time = cursor.time();
                assertTrue(from <= ordinal && ordinal < to && time <= snapshot, ordinal + " at " + time);
                State state = states.getOrDefault(ordinal, new State());
                assertTrue(!state.isDeleted(), "a change of a deleted row");
                states.put(ordinal, state.with(cells(cursor)));
            }
            assertTrue(!cursor.next(), "an end is for good");
        }
        return states;
    }

    /** Every change that a source answers for all snapshots. */
    static Map<Long, List<Entry>> readAll(DeltaSource source) {
        var rows = new TreeMap<Long, List<Entry>>();
        try (DeltaSource.Cursor cursor = source.changes(0, Long.MAX_VALUE, DeltaMemStore.EVERY_CHANGE)) {
            while (cursor.next()) {
                rows.computeIfAbsent(cursor.ordinal(), _ -> new ArrayList<>())
                        .add(new Entry(cursor.time(), cells(cursor)));
            }
        }
        return rows;
    }

    /** Compares maps by ordinal; names only the first row that differs. */
    static void assertSame(Map<Long, ?> expected, Map<Long, ?> actual) {
        var ordinals = new TreeSet<>(expected.keySet());
        ordinals.addAll(actual.keySet());
        for (Long ordinal : ordinals) {
            assertEquals(expected.get(ordinal), actual.get(ordinal), "row " + ordinal);
        }
    }

    private static @Nullable Map<Integer, @Nullable CellValue> cells(DeltaSource.Cursor cursor) {
        long change = cursor.changeOffset();
        assertEquals(RowChange.bytes(cursor.memory(), change), cursor.changeBytes());
        return RowChange.kind(cursor.memory(), change) == RowChange.DELETE
                ? null
                : Updates.read(cursor.memory(), change);
    }
}
