package io.nyala.memrowset;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where the next keys of a batch are in a {@link MemRowSet}: they go down its tree together, level by level.
 *
 * <pre>{@code
 *   ahead.begin(memory);
 *   ahead.add(key, keyBytes) ...     // up to KEYS_MAX
 *   ahead.run(rows);
 *   row = ahead.find(0) ...          // as rows.find, with insertions in between
 * }</pre>
 *
 * <p>A tree of many rows is in no cache, and a key by itself waits for one node after the other. Before each level all
 * cache lines that the keys will need there are touched by loads that do not depend on each other, so that the
 * processor waits for all of them at once: what a prefetch would do, which Java does not have. Where the first key is
 * next to the last one that was looked for, keys are taken to ascend: most then need no way down, and go none.
 *
 * <p>What is found are leaves. A leaf keeps its low key for ever, so it stays a place to start from: if it was split
 * since, the key is to the right of it.
 *
 * <p>Belongs to the writer; may be used for one MemRowSet after the other. Allocates nothing.
 */
public final class Lookahead {
    /** Enough loads for a processor to have under way at a time; beyond it nodes leave the first cache again. */
    public static final int KEYS_MAX = 16;

    private static final int LINE_BYTES = 64;

    private MemorySegment keyMemory = MemorySegment.NULL;
    private final long[] keys = new long[KEYS_MAX];
    private final int[] keyBytes = new int[KEYS_MAX];
    private final long[] nodes = new long[KEYS_MAX];
    private int count;
    private @Nullable RowTree tree;
    private boolean isSought;

    /** What was loaded, so that it is. */
    @SuppressWarnings("UnusedVariable")
    private long touched;

    /** Forgets the keys before; those that follow are in this memory, which is native. */
    public void begin(MemorySegment newKeyMemory) {
        keyMemory = newKeyMemory;
        count = 0;
    }

    public void add(long key, int bytes) {
        assert count < KEYS_MAX : "more than " + KEYS_MAX + " keys";
        keys[count] = key;
        keyBytes[count++] = bytes;
    }

    /** Goes to where the keys are. */
    public void run(MemRowSet rows) {
        run(rows.tree());
    }

    void run(RowTree index) {
        tree = index;
        long top = index.top();
        int height = RowTree.heightOf(top);
        isSought = height > 1
                && count > 1
                && !index.isBeyond(keyMemory, keys[0], keyBytes[0])
                && !index.fingerCovers(keyMemory, keys[0], keyBytes[0]);
        if (!isSought) {
            return;
        }
        MemorySegment memory = index.memory();
        for (int i = 0; i < count; i++) {
            nodes[i] = RowTree.nodeOf(top);
        }
        for (int level = height; level > 0; level--) {
            for (int i = 0; i < count; i++) {
                nodes[i] = index.childAtRest(nodes[i], keyMemory, keys[i], keyBytes[i]);
            }
            touchNodes(memory);
        }
        touchNeighbours(memory);
    }

    private void touchNodes(MemorySegment memory) {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            for (long line = 0; line < Node.LEAF_BYTES; line += LINE_BYTES) {
                sum += memory.get(JAVA_LONG, nodes[i] + line);
            }
        }
        touched = sum;
    }

    /** The row with the same prefix, if there is one, and the next leaf, whose low key bounds what belongs here. */
    private void touchNeighbours(MemorySegment memory) {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            long leaf = nodes[i];
            long permutation = Node.permutation(memory, leaf);
            long prefix = Keys.prefix(keyMemory, keys[i], keyBytes[i]);
            int position = Node.rank(memory, leaf, permutation, prefix);
            long next = Node.next(Node.link(memory, leaf));
            sum += next == 0 ? 0 : Node.prefix(memory, next, 0);
            if (position < Permutation.count(permutation)) {
                int slot = Permutation.slot(permutation, position);
                boolean mayBeIt = Node.prefix(memory, leaf, slot) == prefix;
                sum += mayBeIt ? RowHeader.keyBytes(memory, Node.word(memory, leaf, slot)) : 0;
            }
        }
        touched = sum;
    }

    /** The row, live or deleted, with the key that was added as this number, or 0. */
    public long find(int index) {
        assert index >= 0 && index < count : index + " of " + count;
        RowTree sought = Objects.requireNonNull(tree, "find before run");
        return isSought
                ? sought.findFrom(nodes[index], keyMemory, keys[index], keyBytes[index])
                : sought.findNear(keyMemory, keys[index], keyBytes[index]);
    }
}
