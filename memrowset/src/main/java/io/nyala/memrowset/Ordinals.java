package io.nyala.memrowset;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Looks in a {@link RowTree} whose keys are ordinals of rows: 4 bytes, big-endian. The prefix of such a key is all of
 * it, so that no key has to lie in memory, and no row is touched on the way. For any thread, with the same guarantees
 * as {@link RowTree#find}; stateless, allocates nothing.
 */
final class Ordinals {
    static final int KEY_BYTES = Integer.BYTES;

    private static final ValueLayout.OfInt BIG_ENDIAN = JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private Ordinals() {}

    /** Writes the key of an ordinal. */
    static void writeKey(MemorySegment memory, long key, int ordinal) {
        memory.set(BIG_ENDIAN, key, ordinal);
    }

    /** The ordinal that is the key of a row. */
    static long ordinalOf(MemorySegment memory, long row) {
        assert RowHeader.keyBytes(memory, row) == KEY_BYTES : "no ordinal at " + row;
        return memory.get(BIG_ENDIAN, RowHeader.keyOffset(row)) & 0xffff_ffffL;
    }

    /** As {@link Keys#prefix} of the key. */
    private static long prefix(long ordinal) {
        assert ordinal >>> Integer.SIZE == 0 : "ordinal " + ordinal;
        return ordinal << Integer.SIZE ^ Long.MIN_VALUE;
    }

    /** The row of an ordinal, or 0. */
    static long find(RowTree tree, long ordinal) {
        MemorySegment memory = tree.memory();
        long prefix = prefix(ordinal);
        long row = ceiling(tree, ordinal);
        return row != 0 && prefix(ordinalOf(memory, row)) == prefix ? row : 0;
    }

    /** The row with the least ordinal that is not below {@code ordinal}, or 0. */
    static long ceiling(RowTree tree, long ordinal) {
        MemorySegment memory = tree.memory();
        long prefix = prefix(ordinal);
        long leaf = leafOf(tree, ordinal);
        while (leaf != 0) {
            long link = Node.link(memory, leaf);
            long permutation = Node.permutation(memory, leaf);
            int position = Node.rank(memory, leaf, permutation, prefix);
            boolean isHere = position < Permutation.count(permutation);
            long row = isHere ? Node.word(memory, leaf, Permutation.slot(permutation, position)) : 0;
            if (!Node.isUnchanged(memory, leaf, link)) {
                continue;
            }
            if (isHere) {
                return row;
            }
            leaf = Node.next(link);
        }
        return 0;
    }

    /** The leaf where ordinals from this one on are; moves on if it was split. */
    static long leafOf(RowTree tree, long ordinal) {
        MemorySegment memory = tree.memory();
        long prefix = prefix(ordinal);
        long top = tree.top();
        long node = RowTree.nodeOf(top);
        for (int level = RowTree.heightOf(top); level > 0; level--) {
            node = child(memory, node, prefix);
        }
        return node;
    }

    private static long child(MemorySegment memory, long start, long prefix) {
        long node = start;
        while (true) {
            long link = Node.link(memory, node);
            long permutation = Node.permutation(memory, node);
            int count = Permutation.count(permutation);
            int position = Node.rank(memory, node, permutation, prefix);
            boolean isLow =
                    position < count && Node.prefix(memory, node, Permutation.slot(permutation, position)) == prefix;
            int last = isLow ? position : Math.max(position - 1, 0);
            long word = Node.word(memory, node, Permutation.slot(permutation, last));
            if (!Node.isUnchanged(memory, node, link)) {
                continue;
            }
            long next = Node.next(link);
            if (last < count - 1 || next == 0 || prefix < Node.prefix(memory, next, 0)) {
                return word;
            }
            node = next;
        }
    }
}
