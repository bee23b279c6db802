package io.nyala.memrowset;

import java.lang.foreign.MemorySegment;

/**
 * Walks the leaves of a {@link RowTree} from left to right, each as of one moment. One thread each; needs no closing.
 */
final class LeafReader {
    private final RowTree tree;
    private final MemorySegment memory;
    private long nextLeaf;

    /** Starts at the first leaf. */
    LeafReader(RowTree tree) {
        this.tree = tree;
        this.memory = tree.memory();
        this.nextLeaf = tree.firstLeaf();
    }

    /** Starts at the leaf where keys from this one on are; its first rows may be below. */
    void seek(MemorySegment keyMemory, long keyOffset, int keyBytes) {
        nextLeaf = tree.leafOf(keyMemory, keyOffset, keyBytes);
    }

    /** Starts at a leaf. */
    void seek(long leaf) {
        nextLeaf = leaf;
    }

    boolean isAtEnd() {
        return nextLeaf == 0;
    }

    /**
     * Appends the rows of the next leaf in the order of their keys to {@code rows}, from an index on; answers their
     * number.
     */
    int read(long[] rows, int from) {
        assert nextLeaf != 0 : "past the last leaf";
        assert from + Permutation.ENTRIES_MAX <= rows.length : "no room at " + from + " of " + rows.length;
        long leaf = nextLeaf;
        while (true) {
            long link = Node.link(memory, leaf);
            long permutation = Node.permutation(memory, leaf);
            int count = Permutation.count(permutation);
            for (int i = 0; i < count; i++) {
                rows[from + i] = Node.word(memory, leaf, Permutation.slot(permutation, i));
            }
            long lastPrefix = count == 0 ? 0 : Node.prefix(memory, leaf, Permutation.slot(permutation, count - 1));
            if (!Node.isUnchanged(memory, leaf, link)) {
                continue;
            }
            nextLeaf = Node.next(link);
            if (count > 0 && nextLeaf != 0 && lastPrefix >= Node.prefix(memory, nextLeaf, 0)) {
                return countBelow(rows, from, count, nextLeaf);
            }
            return count;
        }
    }

    /** Without the rows that a split is just giving to the next leaf. */
    private int countBelow(long[] rows, int from, int count, long next) {
        int kept = count;
        while (kept > 0 && !isBelow(rows[from + kept - 1], next)) {
            kept--;
        }
        return kept;
    }

    private boolean isBelow(long row, long next) {
        return tree.isBelow(memory, RowHeader.keyOffset(row), RowHeader.keyBytes(memory, row), next, true);
    }
}
