package io.nyala.memrowset;

import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;

/**
 * Checks every claim about the tree and the chains of a {@link DeltaMemStore}. For the writer thread, or a store at
 * rest; for tests and simulations, as it walks everything.
 */
final class DeltaVerifier {
    private final RowTree tree;
    private final MemorySegment memory;
    private long changeCount;
    private long deletedRows;

    DeltaVerifier(RowTree tree) {
        this.tree = tree;
        this.memory = tree.memory();
    }

    void verify(DeltaMemStore store) {
        long rows = new TreeVerifier(tree).verify();
        var leaves = new LeafReader(tree);
        long[] leafRows = new long[Permutation.ENTRIES_MAX];
        while (!leaves.isAtEnd()) {
            int count = leaves.read(leafRows, 0);
            for (int i = 0; i < count; i++) {
                verifyChain(leafRows[i], store.newestTime());
            }
        }
        claim(rows == store.changedRows(), "counted were " + store.changedRows() + " rows", rows);
        claim(changeCount == store.changeCount(), "counted were " + store.changeCount() + " changes", changeCount);
        claim(deletedRows == store.deletedRows(), "counted were " + store.deletedRows() + " deletions", deletedRows);
    }

    private void verifyChain(long row, long newestTime) {
        long newest = RowHeader.newestChange(memory, row);
        claim(newest != 0, "a row has a change", row);
        deletedRows += Change.kind(memory, newest) == RowChange.DELETE ? 1 : 0;
        long time = newestTime;
        for (long change = newest; change != 0; change = Change.older(memory, change)) {
            int kind = Change.kind(memory, change);
            claim(change == newest || kind == RowChange.UPDATE, "only the newest change is a DELETE", change);
            claim(kind == RowChange.kind(memory, Change.changeOffset(change)), "kinds agree", change);
            claim(Change.time(memory, change) <= time, "times descend", change);
            claim(
                    Change.bytes(memory, change) == RowChange.bytes(memory, Change.changeOffset(change)),
                    "a change has its bytes",
                    change);
            long image = Change.imageOffset(memory, change);
            int imageBytes = Change.imageBytes(memory, change);
            claim(imageBytes == 0 || imageBytes == RowChange.bytes(memory, image), "an image has its bytes", change);
            time = Change.time(memory, change);
            changeCount++;
        }
        claim(time == RowHeader.insertTime(memory, row), "a row has the time of its first change", row);
    }

    private static void claim(boolean holds, String what, long where) {
        if (!holds) {
            throw new IllegalStateException("a DeltaMemStore is broken at " + where + ": it should be that " + what);
        }
    }
}
