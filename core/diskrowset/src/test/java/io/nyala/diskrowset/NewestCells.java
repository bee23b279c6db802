package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.nyala.diskrowset.ListedDeltas.Change;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** What a reader of changes must come to, who only wants to know what rows are now. */
final class NewestCells {
    private NewestCells() {}

    /** What the rows are in the end, of some columns; rows that were skipped, or left in the middle, do not count. */
    static void check(
            DeltaSource.Cursor cursor,
            List<Change> relevant,
            int[] ids,
            long seekTo,
            SplittableRandom random,
            String what) {
        Map<String, String> expected = new TreeMap<>();
        for (Change change : relevant) {
            byte[] bytes =
                    DeltaFileTest.isDelete(change) ? change.bytes() : DeltaFileTest.restricted(change.bytes(), ids);
            if (bytes.length > 0) {
                apply(expected, change.ordinal(), change.time(), bytes);
            }
        }
        Map<String, String> actual = new TreeMap<>();
        boolean isAny = seekTo < 0 ? cursor.next() : cursor.seek(seekTo);
        while (isAny) {
            byte[] bytes = cursor.memory()
                    .asSlice(cursor.changeOffset(), cursor.changeBytes())
                    .toArray(ValueLayout.JAVA_BYTE);
            long ordinal = cursor.ordinal();
            apply(actual, ordinal, cursor.time(), bytes);
            long skipTo = ordinal + 1 + random.nextInt(200);
            boolean isSkipping = random.nextInt(5) == 0;
            isAny = isSkipping ? cursor.seek(skipTo) : cursor.next();
            if (isSkipping) {
                for (Map<String, String> rows : List.of(expected, actual)) {
                    rows.keySet().removeIf(cell -> {
                        long row = Long.parseLong(cell.split(" ", -1)[0]);
                        return row >= ordinal && row < skipTo;
                    });
                }
            }
        }
        assertFalse(cursor.next(), "a change behind the last");
        assertEquals(expected, actual, what);
    }

    private static void apply(Map<String, String> rows, long ordinal, long time, byte[] change) {
        MemorySegment memory = MemorySegment.ofArray(change);
        if (RowChange.kind(memory, 0) == RowChange.DELETE) {
            rows.put(ordinal + " deleted", Long.toString(time));
            return;
        }
        long cell = RowChange.firstCell(0);
        for (int i = RowChange.cellCount(memory, 0); i > 0; i--) {
            long next = RowChange.nextCell(memory, cell);
            byte[] bytes = Arrays.copyOfRange(change, (int) cell, (int) next);
            rows.put(ordinal + " " + RowChange.cellColumnId(memory, cell), time + " " + Arrays.toString(bytes));
            cell = next;
        }
    }
}
