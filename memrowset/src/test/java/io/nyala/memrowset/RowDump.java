package io.nyala.memrowset;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.nyala.hexdump.HexDump;
import io.nyala.memory.Notes;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A row and its changes as annotated bytes. A pointer is shown as the offset in the dump of what it points to; bytes
 * between the pieces, which mean nothing, as zero. One thread.
 */
final class RowDump {
    private final MemorySegment memory;
    private final long row;
    private final long placeBytes;
    private final long sealTime;
    private final long start;
    private final List<Long> changes = new ArrayList<>(); // Oldest first.
    private final MemorySegment bytes;

    /**
     * Copies a row.
     *
     * @param placeBytes what lies in front of its header
     * @param sealTime changes above it have a link in front
     */
    RowDump(MemorySegment memory, long row, long placeBytes, long sealTime) {
        this.memory = memory;
        this.row = row;
        this.placeBytes = placeBytes;
        this.sealTime = sealTime;
        this.start = row - placeBytes;
        long end = rowEnd();
        for (long change = RowHeader.newestChange(memory, row); change != 0; change = Change.older(memory, change)) {
            changes.addFirst(change);
            end = Math.max(end, changeEnd(change));
        }
        bytes = MemorySegment.ofArray(new long[(int) (end - start + 7) / 8]).asSlice(0, end - start);
        copy(start, rowEnd());
        relate(row + 8);
        for (long change : changes) {
            copy(change - linkBytes(change), changeEnd(change));
            relate(change);
            if (linkBytes(change) > 0) {
                relate(change - 16);
                relate(change - 8);
            }
        }
    }

    private long rowEnd() {
        return RowHeader.rowOffset(memory, row) + RowHeader.rowBytes(memory, row);
    }

    private long changeEnd(long change) {
        return Change.imageOffset(memory, change) + Change.imageBytes(memory, change);
    }

    private long linkBytes(long change) {
        return Change.time(memory, change) > sealTime ? LateChange.BYTES : 0;
    }

    private void copy(long from, long to) {
        MemorySegment.copy(memory, from, bytes, from - start, to - from);
    }

    private void relate(long pointer) {
        long target = bytes.get(JAVA_LONG, pointer - start);
        bytes.set(JAVA_LONG, pointer - start, target == 0 ? 0 : target - start);
    }

    String text() {
        return HexDump.text(bytes, notes -> {
            annotateRow(notes);
            for (long change : changes) {
                annotateChange(change, notes);
            }
        });
    }

    private void note(Notes notes, long at, int fieldBytes, String text) {
        if (fieldBytes > 0) {
            notes.note(at - start, fieldBytes, text);
        }
    }

    private String pointer(long at) {
        long target = bytes.get(JAVA_LONG, at - start);
        return target == 0 ? "none" : Long.toString(target);
    }

    private void annotateRow(Notes notes) {
        notes.section("row");
        if (placeBytes > 0) {
            long place = RowHeader.place(memory, row);
            String text = place == Place.NONE ? "none" : "row " + Place.ordinal(place) + " of " + Place.output(place);
            note(notes, start, (int) placeBytes, "place: " + text);
        }
        note(notes, row, 8, "insert time: " + RowHeader.insertTime(memory, row));
        note(notes, row + 8, 8, "newest change: " + pointer(row + 8));
        note(notes, row + 16, 4, "row bytes: " + RowHeader.rowBytes(memory, row));
        note(notes, row + 20, 4, "key bytes: " + RowHeader.keyBytes(memory, row));
        note(notes, row + 24, RowHeader.keyBytes(memory, row), "key");
        note(notes, RowHeader.rowOffset(memory, row), RowHeader.rowBytes(memory, row), "packed row");
        notes.endSection();
    }

    private void annotateChange(long change, Notes notes) {
        String kind =
                switch (Change.kind(memory, change)) {
                    case RowChange.UPDATE -> "UPDATE";
                    case RowChange.DELETE -> "DELETE";
                    default -> "REINSERT";
                };
        notes.section(kind);
        if (linkBytes(change) > 0) {
            note(notes, change - 16, 8, "newer late change: " + pointer(change - 16));
            note(notes, change - 8, 8, "row: " + pointer(change - 8));
        }
        note(notes, change, 8, "older: " + pointer(change));
        note(notes, change + 8, 8, "time: " + Change.time(memory, change));
        note(notes, change + 16, 4, "kind: " + kind);
        note(notes, change + 20, 4, "bytes: " + Change.bytes(memory, change));
        note(notes, change + 24, 4, "image bytes: " + Change.imageBytes(memory, change));
        note(notes, change + 28, 4, "credit bytes: " + Change.creditBytes(memory, change));
        note(notes, Change.changeOffset(change), Change.bytes(memory, change), "change");
        note(notes, Change.imageOffset(memory, change), Change.imageBytes(memory, change), "image");
        notes.endSection();
    }
}
