package io.nyala.memrowset;

import io.nyala.memory.BumpArena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Rows in the order of their encoded keys: a B-link tree in an arena, which only grows.
 *
 * <pre>{@code
 *   root --> +--------------------------+                 level 2
 *            | -oo : a  |  k : b        |
 *            +---|------------|---------+
 *                v            v
 *            +-- a -----+   +-- b -----+                  level 1: entry = lowest key of the child : child
 *            | -oo : c  |-->| k  : e   |-->0
 *            | f   : d  |   | q  : f   |
 *            +-|----|---+   +-|----|---+
 *              v    v         v    v
 *              c -> d ------> e -> f -> 0                 level 0, leaves: entry = key prefix : row
 * }</pre>
 *
 * <p>A {@link Node} has up to 15 entries, 8-byte key prefixes inline, so most comparisons touch no row. Each node is
 * linked to the next on its level. A node covers the keys from its <em>low</em> key, that of its first entry, up to the
 * low key of the next node. The low key of a node never changes: the first node of a level starts below every key, and
 * in any other the first entry stays where it is, in slot 0, for ever.
 *
 * <p><b>Growth.</b> A full node keeps its lower entries and gives the upper ones to a fresh node to its right; where
 * keys arrive in ascending order it keeps all of them, nothing is copied, and leaves stay full. The steps of a split,
 * each a release store:
 * <ol>
 *   <li>the fresh node, complete, is linked in as {@code next} (it links to the old next one), and the split counted;
 *   <li>the permutation of the old node is truncated, and the split counted again; the slots behind it are free and may
 *       be used again;
 *   <li>the fresh node gets an entry in the parent, which may split in turn.
 * </ol>
 *
 * <p><b>What a reader sees.</b> Claim: a reader that starts after an entry was published finds it, whatever the writer
 * does meanwhile; a snapshot's rows were all published before the snapshot's time became visible, so a scan misses
 * none.
 * <ul>
 *   <li><em>Nodes are never freed or replaced</em> while the tree is open, so every offset that was ever read stays
 *       good.
 *   <li><em>One node, read as of one moment.</em> A reader takes link, permutation, entries, and the link again
 *       ({@link Node#isUnchanged}); if it changed, it reads anew. In between slots it looked at may have been used
 *       again only if a split was counted since. An unchanged link with a permutation not yet truncated (between steps
 *       1 and 2) shows the upper entries both here and in the next node: harmless to a look-up; a scan drops what is
 *       not below the next node's low key.
 *   <li><em>The way down.</em> It leads to a node whose low key is not above the wanted one: this holds at the root and
 *       by each entry taken, also a stale one, since low keys never change. If the node has been split since, or its
 *       parent does not know the newest node yet, the wanted key lies to the right: the reader compares with the low
 *       key of the next node and moves on. It does so only when the wanted key is above all entries of the node, as is
 *       every key that a split took away.
 *   <li><em>The way along.</em> A scan that has read a node as of one moment goes on to the {@code next} of that same
 *       moment, which starts where the node ended. What the next one loses by a later split, is to the right of it
 *       again.
 * </ul>
 * Readers never write, lock or wait. They repeat the reading of a node only if entries were taken from just this node
 * in those nanoseconds; that happens once in at least 7 insertions into it, so they cannot be kept from getting ahead.
 *
 * <p>One writer thread. {@link #find} and {@link LeafReader} may be used by any number of threads, until the arena is
 * closed.
 */
final class RowTree {
    static final int LEVELS_MAX = 24; // 7^24 leaves: beyond any address space.

    private static final long BELOW_ALL = Long.MIN_VALUE;
    private static final long HEIGHT_MASK = Node.ALIGNMENT - 1;
    private static final VarHandle ROOT;

    static {
        try {
            ROOT = MethodHandles.lookup().findVarHandle(RowTree.class, "root", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final BumpArena arena;
    private final MemorySegment memory;
    private final long firstLeaf;

    /** The root's offset plus the height of the tree: the level of the root. Published by release, read by acquire. */
    @SuppressWarnings("UnusedVariable") // Only used through ROOT.
    private long root;

    // Of the writer only.
    private final long[] path = new long[LEVELS_MAX]; // By level, of the last descent; nodes may have split since.
    private long finger; // The leaf of the last insertion or look-up.
    private int gap; // The position in it where the key of the last look-up was missing; any other is harmless.
    private long lastLeaf;
    private long highest = BELOW_ALL; // No key has a prefix above this.
    private long leafCount = 1;
    private long innerCount;

    RowTree(BumpArena arena) {
        this.arena = arena;
        this.memory = arena.memory();
        this.firstLeaf = arena.allocate(Node.LEAF_BYTES, Node.ALIGNMENT);
        Node.initialize(memory, firstLeaf, 0);
        this.finger = firstLeaf;
        this.lastLeaf = firstLeaf;
        ROOT.setRelease(this, firstLeaf);
    }

    MemorySegment memory() {
        return memory;
    }

    /** Writer only: nodes of both kinds, in bytes. */
    long nodeBytes() {
        return leafCount * Node.LEAF_BYTES + innerCount * Node.INNER_BYTES;
    }

    /**
     * Writer only: no {@code insertions} take more for nodes. Each may split a full leaf, which may split a full inner
     * node on each level; but only so many nodes can be full, and a fresh one takes a few insertions until it is (see
     * {@link Node#splitPosition}).
     */
    long growthBytesMax(long insertions) {
        return growthBytesMax(insertions, height(), leafCount, innerCount);
    }

    /** As {@link #growthBytesMax}, of a tree that has no rows yet. */
    static long growthBytesMaxOfEmpty(long insertions) {
        return growthBytesMax(insertions, 0, 1, 0);
    }

    private static long growthBytesMax(long insertions, long height, long leafCount, long innerCount) {
        long leaves = Math.min(insertions, 3 * leafCount + insertions / 2 + 2);
        long inners = Math.min(insertions * (height + 1), 3 * innerCount + insertions / 4 + height + 2);
        return leaves * (Node.LEAF_BYTES + Node.ALIGNMENT) + inners * (Node.INNER_BYTES + Node.ALIGNMENT);
    }

    /** The row with this key, or 0. Any thread. */
    long find(MemorySegment keyMemory, long keyOffset, int keyBytes) {
        return rowIn(leafOf(keyMemory, keyOffset, keyBytes), keyMemory, keyOffset, keyBytes);
    }

    /** As {@link #find}, for the writer: keys near the last one are found without a descent. */
    long findNear(MemorySegment keyMemory, long keyOffset, int keyBytes) {
        if (isBeyond(keyMemory, keyOffset, keyBytes)) {
            return 0;
        }
        if (!fingerCovers(keyMemory, keyOffset, keyBytes)) {
            finger = leafOf(keyMemory, keyOffset, keyBytes);
        }
        return rowAtFinger(keyMemory, keyOffset, keyBytes);
    }

    /** As {@link #findNear}, from a leaf on where the key was to be found before; it may have been split since. */
    long findFrom(long leaf, MemorySegment keyMemory, long keyOffset, int keyBytes) {
        finger = leaf;
        return rowAtFinger(keyMemory, keyOffset, keyBytes);
    }

    /** The row with this key in the finger's leaf or to the right of it; or 0, and the finger and the gap are there. */
    private long rowAtFinger(MemorySegment keyMemory, long keyOffset, int keyBytes) {
        while (true) {
            long permutation = Node.permutation(memory, finger);
            int found = search(finger, true, permutation, keyMemory, keyOffset, keyBytes);
            if (found >= 0) {
                return Node.word(memory, finger, Permutation.slot(permutation, found));
            }
            gap = ~found;
            long next = Node.next(Node.link(memory, finger));
            if (gap < Permutation.count(permutation)
                    || next == 0
                    || isBelow(keyMemory, keyOffset, keyBytes, next, true)) {
                return 0;
            }
            finger = next;
        }
    }

    /** Writer only: whether the first bytes alone say that a key is above all that are here. */
    boolean isBeyond(MemorySegment keyMemory, long keyOffset, int keyBytes) {
        return Keys.prefix(keyMemory, keyOffset, keyBytes) > highest;
    }

    /**
     * Whether a key with this prefix is missing in the finger's leaf, and its place is the gap: it is strictly between
     * the prefixes beside it, so that nothing else of the key matters.
     */
    private boolean isInGap(long prefix) {
        long permutation = Node.permutation(memory, finger);
        return gap > 0
                && gap < Permutation.count(permutation)
                && Node.prefix(memory, finger, Permutation.slot(permutation, gap - 1)) < prefix
                && prefix < Node.prefix(memory, finger, Permutation.slot(permutation, gap));
    }

    /** Adds a complete row; false, and nothing is changed, if its key is there already. Writer only. */
    boolean insert(long row) {
        long keyOffset = RowHeader.keyOffset(row);
        int keyBytes = RowHeader.keyBytes(memory, row);
        long prefix = Keys.prefix(memory, keyOffset, keyBytes);
        if (prefix > highest) {
            append(prefix, row);
            return true;
        }
        boolean inGap = isInGap(prefix);
        boolean near = inGap || fingerCovers(memory, keyOffset, keyBytes);
        if (!near) {
            finger = descend(memory, keyOffset, keyBytes);
        }
        long permutation = Node.permutation(memory, finger);
        int position = gap;
        if (!inGap) {
            int found = search(finger, true, permutation, memory, keyOffset, keyBytes);
            if (found >= 0) {
                return false;
            }
            position = ~found;
        }
        if (Permutation.count(permutation) < Permutation.ENTRIES_MAX) {
            Node.insert(memory, finger, position, prefix, row);
            return true;
        }
        if (near) {
            descend(memory, keyOffset, keyBytes);
            assert path[0] == finger : "the finger was on " + finger + ", the way leads to " + path[0];
        }
        finger = insertFull(position, prefix, row);
        return true;
    }

    /** Adds a row behind all others: nothing is looked for, and what is touched was touched by the one before. */
    private void append(long prefix, long row) {
        int count = Permutation.count(Node.permutation(memory, lastLeaf));
        finger = lastLeaf;
        if (count < Permutation.ENTRIES_MAX) {
            Node.insert(memory, lastLeaf, count, prefix, row);
        } else {
            descendToLast();
            finger = insertFull(count, prefix, row);
        }
        highest = prefix;
    }

    /** The leaf where keys from this one on are; moves on if it was split. Any thread. */
    long leafOf(MemorySegment keyMemory, long keyOffset, int keyBytes) {
        long top = (long) ROOT.getAcquire(this);
        long node = top & ~HEIGHT_MASK;
        for (long level = top & HEIGHT_MASK; level > 0; level--) {
            node = child(node, keyMemory, keyOffset, keyBytes);
        }
        return node;
    }

    long firstLeaf() {
        return firstLeaf;
    }

    /** The root node plus the height of the tree, as of one moment, for any thread. */
    long top() {
        return (long) ROOT.getAcquire(this);
    }

    static long nodeOf(long top) {
        return top & ~HEIGHT_MASK;
    }

    static int heightOf(long top) {
        return (int) (top & HEIGHT_MASK);
    }

    /** The level of the root; leaves are level 0. */
    int height() {
        return heightOf(top());
    }

    /** The row with the highest key, or 0. Any thread. */
    long lastRow() {
        long top = (long) ROOT.getAcquire(this);
        long node = top & ~HEIGHT_MASK;
        for (long level = top & HEIGHT_MASK; ; ) {
            long link = Node.link(memory, node);
            long permutation = Node.permutation(memory, node);
            int count = Permutation.count(permutation);
            long word = count == 0 ? 0 : Node.word(memory, node, Permutation.slot(permutation, count - 1));
            if (!Node.isUnchanged(memory, node, link)) {
                continue;
            }
            if (Node.next(link) != 0) {
                node = Node.next(link);
            } else if (level-- > 0) {
                node = word;
            } else {
                return word;
            }
        }
    }

    /**
     * As {@code Arrays.binarySearch}: the position of the entry with this key, or else {@code ~position} of where it
     * would be.
     */
    int search(long node, boolean leaf, long permutation, MemorySegment keyMemory, long keyOffset, int keyBytes) {
        long prefix = Keys.prefix(keyMemory, keyOffset, keyBytes);
        int count = Permutation.count(permutation);
        int low = Node.rank(memory, node, permutation, prefix);
        if (low == count || Node.prefix(memory, node, Permutation.slot(permutation, low)) != prefix) {
            return ~low;
        }
        int high = prefix == Long.MAX_VALUE ? count : Node.rank(memory, node, permutation, prefix + 1);
        while (low < high) {
            int middle = (low + high) >>> 1;
            long row = Node.keyRow(memory, node, leaf, Permutation.slot(permutation, middle));
            int order = row == 0 ? 1 : Keys.compare(keyMemory, keyOffset, keyBytes, memory, row);
            if (order == 0) {
                return middle;
            }
            if (order > 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return ~low;
    }

    /** Whether the key is below the lowest of a node that is not the first of its level. */
    boolean isBelow(MemorySegment keyMemory, long keyOffset, int keyBytes, long node, boolean leaf) {
        long prefix = Keys.prefix(keyMemory, keyOffset, keyBytes);
        long low = Node.prefix(memory, node, 0);
        if (prefix != low) {
            return prefix < low;
        }
        return Keys.compare(keyMemory, keyOffset, keyBytes, memory, Node.keyRow(memory, node, leaf, 0)) < 0;
    }

    /** One level down, for any thread. */
    private long child(long start, MemorySegment keyMemory, long keyOffset, int keyBytes) {
        long node = start;
        while (true) {
            long link = Node.link(memory, node);
            long permutation = Node.permutation(memory, node);
            int position = floor(search(node, false, permutation, keyMemory, keyOffset, keyBytes));
            long word = Node.word(memory, node, Permutation.slot(permutation, position));
            if (!Node.isUnchanged(memory, node, link)) {
                continue;
            }
            long next = Node.next(link);
            boolean last = position == Permutation.count(permutation) - 1;
            if (!last || next == 0 || isBelow(keyMemory, keyOffset, keyBytes, next, false)) {
                return word;
            }
            node = next;
        }
    }

    /** The row with this key in a leaf or to the right of it, or 0, for any thread. */
    private long rowIn(long start, MemorySegment keyMemory, long keyOffset, int keyBytes) {
        long leaf = start;
        while (true) {
            long link = Node.link(memory, leaf);
            long permutation = Node.permutation(memory, leaf);
            int found = search(leaf, true, permutation, keyMemory, keyOffset, keyBytes);
            long row = found < 0 ? 0 : Node.word(memory, leaf, Permutation.slot(permutation, found));
            if (!Node.isUnchanged(memory, leaf, link)) {
                continue;
            }
            long next = Node.next(link);
            if (~found != Permutation.count(permutation)
                    || next == 0
                    || isBelow(keyMemory, keyOffset, keyBytes, next, true)) {
                return row;
            }
            leaf = next;
        }
    }

    /** The last entry that is not above the key; the first if all are, which then is the one "below every key". */
    private static int floor(int found) {
        return found >= 0 ? found : Math.max(~found - 1, 0);
    }

    /** Writer only: whether the key belongs into the leaf of the last insertion or look-up. */
    boolean fingerCovers(MemorySegment keyMemory, long keyOffset, int keyBytes) {
        if (finger != firstLeaf && isBelow(keyMemory, keyOffset, keyBytes, finger, true)) {
            return false;
        }
        long next = Node.next(Node.link(memory, finger));
        return next == 0 || isBelow(keyMemory, keyOffset, keyBytes, next, true);
    }

    /** The way down for the writer, who sees a tree at rest, kept in {@code path}. */
    private long descend(MemorySegment keyMemory, long keyOffset, int keyBytes) {
        long top = (long) ROOT.get(this);
        long node = top & ~HEIGHT_MASK;
        for (int level = (int) (top & HEIGHT_MASK); level > 0; level--) {
            path[level] = node;
            node = childAtRest(node, keyMemory, keyOffset, keyBytes);
        }
        path[0] = node;
        return node;
    }

    /** As {@link #descend}, for a key above all others. */
    private void descendToLast() {
        long top = (long) ROOT.get(this);
        long node = top & ~HEIGHT_MASK;
        for (int level = (int) (top & HEIGHT_MASK); level > 0; level--) {
            path[level] = node;
            long permutation = Node.permutation(memory, node);
            node = Node.word(memory, node, Permutation.slot(permutation, Permutation.count(permutation) - 1));
        }
        path[0] = node;
        assert node == lastLeaf : "the last leaf is " + lastLeaf + ", the way leads to " + node;
    }

    /** One level down, for the writer. */
    long childAtRest(long node, MemorySegment keyMemory, long keyOffset, int keyBytes) {
        long permutation = Node.permutation(memory, node);
        int position = floor(search(node, false, permutation, keyMemory, keyOffset, keyBytes));
        return Node.word(memory, node, Permutation.slot(permutation, position));
    }

    /**
     * Inserts into the full leaf of the path, splitting upwards as far as needed; answers the leaf that has the row
     * now.
     */
    private long insertFull(int leafPosition, long rowPrefix, long row) {
        long target = 0;
        int position = leafPosition;
        long prefix = rowPrefix;
        long word = row;
        long keyRow = row;
        for (int level = 0; ; level++) {
            if (level > (int) ((long) ROOT.get(this) & HEIGHT_MASK)) {
                growRoot(level, prefix, word, keyRow);
                return target;
            }
            boolean leaf = level == 0;
            long node = path[level];
            if (!leaf) {
                position = ~search(
                        node,
                        false,
                        Node.permutation(memory, node),
                        memory,
                        RowHeader.keyOffset(keyRow),
                        RowHeader.keyBytes(memory, keyRow));
                assert position > 0 : "a node already has an entry in " + node;
            }
            if (Permutation.count(Node.permutation(memory, node)) < Permutation.ENTRIES_MAX) {
                add(node, leaf, position, prefix, word, keyRow);
                return target;
            }
            int at = Node.splitPosition(memory, node, position);
            long right = newNode(leaf, Node.next(Node.link(memory, node)));
            boolean goesLeft = at < Permutation.ENTRIES_MAX && position <= at;
            Node.copyFrom(memory, node, at, right, leaf);
            if (!goesLeft) {
                add(right, leaf, position - at, prefix, word, keyRow);
            }
            Node.linkTo(memory, node, right);
            Node.truncate(memory, node, at);
            if (goesLeft) {
                add(node, leaf, position, prefix, word, keyRow);
            }
            if (leaf) {
                target = goesLeft ? node : right;
                lastLeaf = node == lastLeaf ? right : lastLeaf;
            }
            prefix = Node.prefix(memory, right, 0);
            keyRow = Node.keyRow(memory, right, leaf, 0);
            word = right;
        }
    }

    private void add(long node, boolean leaf, int position, long prefix, long word, long keyRow) {
        if (!leaf) {
            Node.setLowRow(memory, node, keyRow);
        }
        Node.insert(memory, node, position, prefix, word);
    }

    private void growRoot(int level, long prefix, long child, long keyRow) {
        assert level < LEVELS_MAX : "a tree of " + level + " levels";
        long top = newNode(false, 0);
        add(top, false, 0, BELOW_ALL, (long) ROOT.get(this) & ~HEIGHT_MASK, 0);
        add(top, false, 1, prefix, child, keyRow);
        ROOT.setRelease(this, top | level);
    }

    private long newNode(boolean leaf, long next) {
        long node = arena.allocate(leaf ? Node.LEAF_BYTES : Node.INNER_BYTES, Node.ALIGNMENT);
        if (leaf) {
            leafCount++;
        } else {
            innerCount++;
        }
        Node.initialize(memory, node, next);
        return node;
    }
}
