package io.nyala.memrowset;

import java.lang.foreign.MemorySegment;

/**
 * Checks every claim that {@link RowTree} makes about its nodes. For the writer thread, or a tree at rest; for tests
 * and simulations, as it walks everything.
 */
final class TreeVerifier {
    private final RowTree tree;
    private final MemorySegment memory;
    private long rowCount;
    private long previousRow;

    TreeVerifier(RowTree tree) {
        this.tree = tree;
        this.memory = tree.memory();
    }

    /** The number of rows; throws if a claim does not hold. */
    long verify() {
        long first = RowTree.nodeOf(tree.top());
        for (int level = tree.height(); level > 0; level--) {
            first = verifyInnerLevel(first, level);
        }
        claim(first == tree.firstLeaf(), "the way along the left edge leads to the first leaf", first);
        for (long leaf = first; leaf != 0; leaf = Node.next(Node.link(memory, leaf))) {
            verifyLeaf(leaf);
        }
        claim(tree.lastRow() == previousRow, "the last row is that of the last leaf", tree.lastRow());
        return rowCount;
    }

    /** All nodes of a level: what they lead to is the whole next level, in order. Answers the first child. */
    private long verifyInnerLevel(long first, int level) {
        boolean childIsLeaf = level == 1;
        long expected = 0;
        long firstChild = 0;
        for (long node = first; node != 0; node = Node.next(Node.link(memory, node))) {
            long permutation = Node.permutation(memory, node);
            verifyShape(node, permutation);
            claim(Permutation.count(permutation) > 0, "an inner node has children", node);
            for (int i = 0; i < Permutation.count(permutation); i++) {
                int slot = Permutation.slot(permutation, i);
                long child = Node.word(memory, node, slot);
                long lowRow = Node.keyRow(memory, node, false, slot);
                if (firstChild == 0) {
                    firstChild = child;
                    claim(lowRow == 0, "the first child starts below every key", node);
                } else {
                    claim(child == expected, "children are the chain of the level below", node);
                    claim(
                            lowRow == Node.keyRow(memory, child, childIsLeaf, 0),
                            "an entry has the child's low key",
                            node);
                    claim(Node.prefix(memory, node, slot) == keyPrefix(lowRow), "a prefix is that of its key", node);
                }
                expected = Node.next(Node.link(memory, child));
            }
        }
        claim(expected == 0, "the last child is the last of the level below", first);
        return firstChild;
    }

    private void verifyLeaf(long leaf) {
        long permutation = Node.permutation(memory, leaf);
        verifyShape(leaf, permutation);
        for (int i = 0; i < Permutation.count(permutation); i++) {
            int slot = Permutation.slot(permutation, i);
            long row = Node.word(memory, leaf, slot);
            claim(Node.prefix(memory, leaf, slot) == keyPrefix(row), "a prefix is that of its key", leaf);
            claim(previousRow == 0 || compare(previousRow, row) < 0, "keys ascend", leaf);
            previousRow = row;
            rowCount++;
        }
    }

    private void verifyShape(long node, long permutation) {
        claim(node % Node.ALIGNMENT == 0, "nodes are aligned", node);
        claim(Permutation.isValid(permutation), "a permutation names each slot once", node);
        boolean first = node == tree.firstLeaf() || Permutation.count(permutation) == 0;
        claim(first || Permutation.slot(permutation, 0) == 0, "the low key is in slot 0", node);
    }

    private long keyPrefix(long row) {
        return Keys.prefix(memory, RowHeader.keyOffset(row), RowHeader.keyBytes(memory, row));
    }

    private int compare(long row, long other) {
        return Keys.compare(memory, RowHeader.keyOffset(row), RowHeader.keyBytes(memory, row), memory, other);
    }

    private static void claim(boolean holds, String what, long where) {
        if (!holds) {
            throw new IllegalStateException("the tree is broken at " + where + ": it should be that " + what);
        }
    }
}
