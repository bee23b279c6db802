package io.nyala.memrowset;

import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;

/**
 * What a row is at a snapshot: the newest version whose time is not above it. A row without changes is answered where
 * it lies; a changed one is put together in scratch memory, unless its newest visible change has an image. One thread.
 */
final class RowStates {
    private final MemorySegment memory;
    private final RowImage image;
    private final Scratch scratch;

    RowStates(RowLayout layout, MemorySegment memory, Scratch scratch) {
        this.memory = memory;
        this.image = new RowImage(layout, memory);
        this.scratch = scratch;
    }

    /**
     * Offset of the packed row as it is at the snapshot, or 0 if it is not live then. Good until the scratch memory is
     * cleared.
     */
    long at(long row, long snapshot) {
        long change = RowHeader.newestChange(memory, row);
        while (change != 0 && Change.time(memory, change) > snapshot) {
            change = Change.older(memory, change);
        }
        if (change == 0) {
            return RowHeader.insertTime(memory, row) <= snapshot ? RowHeader.rowOffset(memory, row) : 0;
        }
        if (Change.kind(memory, change) == RowChange.DELETE) {
            return 0;
        }
        if (Change.imageBytes(memory, change) > 0) {
            return Change.imageOffset(memory, change);
        }
        collect(image, memory, row, change);
        long target = scratch.allocate(image.bytes());
        image.write(target);
        return target;
    }

    /**
     * Takes everything that makes up a row as it is after an UPDATE: that one's cells, those of older ones, and a
     * complete row. Answers how many changes it looked at.
     */
    static int collect(RowImage image, MemorySegment memory, long row, long newest) {
        image.clear();
        int count = 0;
        long change = newest;
        while (change != 0 && Change.imageBytes(memory, change) == 0) {
            assert Change.kind(memory, change) == RowChange.UPDATE : "an update of a deleted row at " + change;
            image.underlay(Change.changeOffset(change));
            change = Change.older(memory, change);
            count++;
        }
        image.setBase(change == 0 ? RowHeader.rowOffset(memory, row) : Change.imageOffset(memory, change));
        return count;
    }
}
