package io.nyala.memrowset;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.nyala.memory.Check;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * A node of the tree: up to 15 entries in slots, in the order that a {@link Permutation} gives them. Native byte order,
 * 64-byte aligned.
 *
 * <pre>{@code
 *   0             8         16                  136                 256                 376   384
 *   +-------------+---------+-------------------+-------------------+-------------------+-----+
 *   | permutation |  link   | prefix[15]        | word[15]          | low row[15]       |  -  |
 *   +-------------+---------+-------------------+-------------------+-------------------+-----+
 *                                                                   ^-- a leaf ends here
 *   link:   bit 0        4                  26                                    64
 *           +------------+------------------+-------------------------------------+
 *           | last slot  |  splits          |  next (in units of 64 bytes)        |
 *           +------------+------------------+-------------------------------------+
 * }</pre>
 *
 * <ul>
 *   <li>{@code prefix}: first 8 bytes of the entry's key, big-endian, zero padded, the highest bit flipped so that
 *       prefixes compare as signed numbers.
 *   <li>{@code word}: in a leaf the offset of the row; in an inner node that of the child.
 *   <li>{@code low row}: a row with the lowest key of the child; 0 for "below every key". Only read where prefixes are
 *       equal.
 *   <li>{@code next}: the node to the right on the same level, 0 if none.
 *   <li>{@code splits}: counts the steps by which entries are taken away, that is, slots set free which a reader might
 *       still be looking at.
 *   <li>{@code last slot}: where the last insertion went, 15 for "nothing to tell"; the writer's hint where to split.
 *       Readers ignore it.
 * </ul>
 *
 * <p>One writer, many readers; {@link RowTree} says why readers see what they must. Static accessors over {@code
 * (memory, node)}.
 */
final class Node {
    static final long LEAF_BYTES = 256;
    static final long INNER_BYTES = 384;
    static final long ALIGNMENT = 64;

    private static final int MIDDLE = 8;
    private static final long LINK = 8;
    private static final long PREFIXES = 16;
    private static final long WORDS = PREFIXES + Permutation.ENTRIES_MAX * Long.BYTES;
    private static final long LOW_ROWS = WORDS + Permutation.ENTRIES_MAX * Long.BYTES;

    private static final int SPLITS_SHIFT = 4;
    private static final int NEXT_SHIFT = 26;
    private static final long LAST_SLOT_MASK = (1L << SPLITS_SHIFT) - 1;
    private static final long SPLITS_MASK = ((1L << NEXT_SHIFT) - 1) & ~LAST_SLOT_MASK;

    private static final VarHandle LONG = JAVA_LONG.varHandle().withInvokeExactBehavior();

    static {
        Check.that(LOW_ROWS == LEAF_BYTES, "a leaf is 256 bytes");
        Check.that(LOW_ROWS + Permutation.ENTRIES_MAX * Long.BYTES <= INNER_BYTES, "an inner node is 384 bytes");
        Check.that(INNER_BYTES % ALIGNMENT == 0, "nodes do not share cache lines");
        Check.that(MemorySegment.NULL.address() == 0, "offset 0 is none");
    }

    private Node() {}

    /** Fills an unpublished node with no entries. */
    static void initialize(MemorySegment memory, long node, long next) {
        assert node % ALIGNMENT == 0 && next % ALIGNMENT == 0 : "unaligned node at " + node + " or " + next;
        LONG.set(memory, node, Permutation.EMPTY);
        LONG.set(memory, node + LINK, ((next / ALIGNMENT) << NEXT_SHIFT) | LAST_SLOT_MASK);
    }

    /** Order and count of the entries; acquires what {@link #insert} and {@link #truncate} released. */
    static long permutation(MemorySegment memory, long node) {
        return (long) LONG.getAcquire(memory, node);
    }

    /**
     * The link, without the writer's hint: to be read before the permutation, and again by {@link #isUnchanged} after
     * everything that was read from the node. Acquires what {@link #linkTo} released: the next node is complete.
     */
    static long link(MemorySegment memory, long node) {
        return (long) LONG.getAcquire(memory, node + LINK) & ~LAST_SLOT_MASK;
    }

    /** The next node, out of a link. */
    static long next(long link) {
        return (link >>> NEXT_SHIFT) * ALIGNMENT;
    }

    /**
     * Whether no entry was taken away since {@code link} was read, so that all that was read from the node in between
     * belongs together.
     *
     * <p>The closing check of a seqlock. The fence keeps the loads of entries before the load of the link. A load that
     * saw an entry written into a slot that was freed after {@code link} was read, saw a release store ({@link
     * #insert}) that comes after the release store of the new link ({@link #linkTo}); so behind the fence the new link
     * is seen.
     */
    static boolean isUnchanged(MemorySegment memory, long node, long link) {
        VarHandle.acquireFence();
        return link(memory, node) == link;
    }

    static long prefix(MemorySegment memory, long node, int slot) {
        return (long) LONG.get(memory, node + PREFIXES + (long) slot * Long.BYTES);
    }

    /** Row or child. Acquires what {@link #insert} released: it is complete. */
    static long word(MemorySegment memory, long node, int slot) {
        return (long) LONG.getAcquire(memory, node + WORDS + (long) slot * Long.BYTES);
    }

    /** A row that has the entry's key. */
    static long keyRow(MemorySegment memory, long node, boolean leaf, int slot) {
        return (long) LONG.getAcquire(memory, node + (leaf ? WORDS : LOW_ROWS) + (long) slot * Long.BYTES);
    }

    /**
     * The number of entries whose prefix is below this one: four halvings whose branches do not depend on where keys
     * lie.
     */
    static int rank(MemorySegment memory, long node, long permutation, long prefix) {
        int count = Permutation.count(permutation);
        int position = 0;
        for (int step = (Permutation.ENTRIES_MAX + 1) / 2; step > 0; step >>= 1) {
            int probe = position + step;
            if (probe <= count && prefix(memory, node, Permutation.slot(permutation, probe - 1)) < prefix) {
                position = probe;
            }
        }
        return position;
    }

    /** The slot into which the next {@link #insert} puts its entry. */
    static int freeSlot(MemorySegment memory, long node) {
        long permutation = permutation(memory, node);
        return Permutation.slot(permutation, Permutation.count(permutation));
    }

    /** For an inner node, before {@link #insert}: the row with the child's lowest key. */
    static void setLowRow(MemorySegment memory, long node, long row) {
        LONG.setRelease(memory, node + LOW_ROWS + (long) freeSlot(memory, node) * Long.BYTES, row);
    }

    /** Adds an entry at a position; row or child must be complete, and become visible with it. */
    static void insert(MemorySegment memory, long node, int position, long prefix, long word) {
        long permutation = permutation(memory, node);
        int slot = Permutation.slot(permutation, Permutation.count(permutation));
        // Release each: a reader that sees one of them in a slot set free by a split must see that split (isUnchanged).
        LONG.setRelease(memory, node + PREFIXES + (long) slot * Long.BYTES, prefix);
        LONG.setRelease(memory, node + WORDS + (long) slot * Long.BYTES, word);
        long link = (long) LONG.get(memory, node + LINK);
        LONG.setRelease(memory, node + LINK, (link & ~LAST_SLOT_MASK) | slot); // As linkTo, whose word it replaces.
        LONG.setRelease(memory, node, Permutation.insert(permutation, position));
    }

    /** The slot of the last insertion, or 15, which no entry is in. */
    static int lastSlot(MemorySegment memory, long node) {
        return (int) ((long) LONG.get(memory, node + LINK) & LAST_SLOT_MASK);
    }

    /**
     * How many entries a full node keeps: usually the upper half goes. If the last insertion went just below this one's
     * place, keys ascend there: the entries above make room, or if there are none, the new entry starts the next node,
     * and what an ascending run leaves behind stays full. Likewise above, where keys descend; but with many entries
     * below, a run would leave little behind each time.
     */
    static int splitPosition(MemorySegment memory, long node, int position) {
        long permutation = permutation(memory, node);
        int last = lastSlot(memory, node);
        boolean ascending = position > 0 && Permutation.slot(permutation, position - 1) == last;
        boolean descending = position < MIDDLE && Permutation.slot(permutation, position) == last;
        return ascending || descending ? position : MIDDLE;
    }

    /** Copies entries from a position on to the end of an unpublished node. */
    static void copyFrom(MemorySegment memory, long source, int position, long target, boolean leaf) {
        long permutation = permutation(memory, source);
        for (int i = position; i < Permutation.count(permutation); i++) {
            int slot = Permutation.slot(permutation, i);
            if (!leaf) {
                setLowRow(memory, target, keyRow(memory, source, false, slot));
            }
            insert(memory, target, i - position, prefix(memory, source, slot), word(memory, source, slot));
        }
    }

    /**
     * Links a complete node in as the next one, counts a split and forgets the hint: the release that {@link #link}
     * acquires.
     */
    static void linkTo(MemorySegment memory, long node, long next) {
        LONG.setRelease(memory, node + LINK, ((next / ALIGNMENT) << NEXT_SHIFT) | splitsPlusOne(memory, node));
    }

    /** The lower part of a link that counts one more split and has no hint. */
    private static long splitsPlusOne(MemorySegment memory, long node) {
        long link = (long) LONG.get(memory, node + LINK);
        return (((link & SPLITS_MASK) + (1L << SPLITS_SHIFT)) & SPLITS_MASK) | LAST_SLOT_MASK;
    }

    /**
     * Keeps only the first entries. The others must be in the next node, and that be linked, before. Counts the split
     * once more: a reader that came after {@link #linkTo}, but found the entries all there, must not miss that their
     * slots are used again.
     */
    static void truncate(MemorySegment memory, long node, int count) {
        long permutation = permutation(memory, node);
        assert count == Permutation.count(permutation)
                        || prefix(memory, node, Permutation.slot(permutation, count))
                                == prefix(memory, next(link(memory, node)), 0)
                : "entries of " + node + " would be lost";
        LONG.setRelease(memory, node, Permutation.truncate(permutation, count));
        long next = next(link(memory, node));
        LONG.setRelease(memory, node + LINK, ((next / ALIGNMENT) << NEXT_SHIFT) | splitsPlusOne(memory, node));
    }
}
