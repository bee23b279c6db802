package io.nyala.memrowset;

import io.nyala.rows.DeltaSource;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The changes of a {@link DeltaMemStore} for a snapshot, by ordinal, of each row oldest first. A row's chain is walked
 * from its newest visible change back to the last image, then handed out the other way round.
 *
 * <p>One thread. Owns no native memory; allocates only when it meets a chain longer than any before.
 */
final class DeltaMemStoreCursor implements DeltaSource.Cursor {
    private final MemorySegment memory;
    private @Nullable RowTree tree; // Null if there is nothing, or nothing more.
    private @Nullable LeafReader leaves; // Null before the first step.
    private long from;
    private final long to;
    private final long snapshot;

    private final long[] leafRows = new long[Permutation.ENTRIES_MAX];
    private int leafRowCount;
    private int nextLeafRow;

    private long[] changes = new long[16]; // Newest first.
    private int changeCount; // Not handed out yet.
    private boolean isFirstImage; // The first one to be handed out is that one's image.

    private long rowOrdinal;
    private long time;
    private long changeOffset;
    private int changeBytes;

    DeltaMemStoreCursor(@Nullable RowTree tree, long from, long to, long snapshot) {
        this.memory = tree == null ? MemorySegment.NULL : tree.memory();
        this.tree = from > Integer.MAX_VALUE || from >= to ? null : tree;
        this.from = from;
        this.to = to;
        this.snapshot = snapshot;
    }

    @Override
    public boolean next() {
        while (changeCount == 0) {
            if (nextLeafRow == leafRowCount && !readLeaf()) {
                return false;
            }
            collect(leafRows[nextLeafRow++]);
        }
        long change = changes[--changeCount];
        time = Change.time(memory, change);
        if (isFirstImage) {
            isFirstImage = false;
            changeOffset = Change.imageOffset(memory, change);
            changeBytes = Change.imageBytes(memory, change);
        } else {
            changeOffset = Change.changeOffset(change);
            changeBytes = Change.bytes(memory, change);
        }
        return true;
    }

    @Override
    public boolean seek(long ordinal) {
        if (ordinal > Integer.MAX_VALUE) {
            close();
            return false;
        }
        from = Math.max(from, ordinal);
        if (rowOrdinal < ordinal) {
            changeCount = 0;
        }
        boolean isBeyondLeaf = leafRowCount == 0 || Ordinals.ordinalOf(memory, leafRows[leafRowCount - 1]) < ordinal;
        if (!isBeyondLeaf) {
            while (nextLeafRow < leafRowCount && Ordinals.ordinalOf(memory, leafRows[nextLeafRow]) < ordinal) {
                nextLeafRow++;
            }
        } else if (tree != null && leaves != null && !leaves.isAtEnd()) {
            nextLeafRow = leafRowCount;
            leaves.seek(Ordinals.leafOf(tree, ordinal));
        } else {
            nextLeafRow = leafRowCount;
        }
        return next();
    }

    /** The next leaf that has rows within the bounds; false if there is none. */
    private boolean readLeaf() {
        nextLeafRow = 0;
        leafRowCount = 0;
        if (tree == null) {
            return false;
        }
        if (leaves == null) {
            leaves = new LeafReader(tree);
            leaves.seek(Ordinals.leafOf(tree, from));
        }
        while (!leaves.isAtEnd()) {
            leafRowCount = leaves.read(leafRows, 0);
            nextLeafRow = 0;
            while (nextLeafRow < leafRowCount && Ordinals.ordinalOf(memory, leafRows[nextLeafRow]) < from) {
                nextLeafRow++;
            }
            if (leafRowCount > 0 && Ordinals.ordinalOf(memory, leafRows[leafRowCount - 1]) >= to) {
                leaves.seek(0);
                while (leafRowCount > 0 && Ordinals.ordinalOf(memory, leafRows[leafRowCount - 1]) >= to) {
                    leafRowCount--;
                }
            }
            if (nextLeafRow < leafRowCount) {
                return true;
            }
            nextLeafRow = leafRowCount;
        }
        return false;
    }

    private void collect(long row) {
        rowOrdinal = Ordinals.ordinalOf(memory, row);
        long change = RowHeader.newestChange(memory, row);
        while (change != 0 && Change.time(memory, change) > snapshot) {
            change = Change.older(memory, change);
        }
        boolean every = snapshot == DeltaMemStore.EVERY_CHANGE;
        while (change != 0) {
            if (changeCount == changes.length) {
                changes = Arrays.copyOf(changes, 2 * changeCount);
            }
            changes[changeCount++] = change;
            if (!every && Change.imageBytes(memory, change) > 0) {
                isFirstImage = true;
                return;
            }
            if (!every && Change.kind(memory, change) == RowChange.DELETE) {
                return; // What was before it is of no use.
            }
            change = Change.older(memory, change);
        }
    }

    @Override
    public long ordinal() {
        return rowOrdinal;
    }

    @Override
    public long time() {
        return time;
    }

    @Override
    public MemorySegment memory() {
        return memory;
    }

    @Override
    public long changeOffset() {
        return changeOffset;
    }

    @Override
    public int changeBytes() {
        return changeBytes;
    }

    @Override
    public void close() {
        tree = null;
        nextLeafRow = leafRowCount;
        changeCount = 0;
    }
}
