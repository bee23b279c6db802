package io.nyala.memrowset;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.nyala.memory.Check;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * One change of a row in memory: a link of the row's chain, newest first. Immutable once it is published by {@link
 * RowHeader#prepend}. Native byte order, 8-byte aligned.
 *
 * <pre>{@code
 *   0         8         16     20      24           28            32              32 + bytes
 *   +---------+---------+------+-------+------------+-------------+---------------+------------------- - -
 *   |  older  |  time   | kind | bytes | imageBytes | creditBytes | change[bytes] | image[imageBytes]
 *   +---------+---------+------+-------+------------+-------------+---------------+------------------- - -
 * }</pre>
 *
 * <ul>
 *   <li>{@code older}: the change before this one, 0 if the row as inserted is before it.
 *   <li>{@code change}: a {@code RowChange}: which cells have which value from {@code time} on, or that the row ends or
 *       starts again.
 *   <li>{@code image}: everything that this change and the older ones have made of the row, so that a reader need not
 *       look at those. In a {@link MemRowSet} it is the whole packed row: a change of kind REINSERT always has one (its
 *       {@code change} is empty then), a DELETE none. In a {@link DeltaMemStore} it is an UPDATE of all cells that were
 *       changed so far.
 *   <li>{@code creditBytes}: how many bytes of changes may still follow before an UPDATE must have an image: after an
 *       image, as many as that has. So a reader never walks over more bytes of changes than about twice the image's,
 *       and images are at most half of all bytes, however often the row is updated.
 * </ul>
 *
 * <p>Changes of one batch have the same time; the chain keeps their order. A snapshot sees all of them or none. So in a
 * {@link MemRowSet}, of those that set the same cells only the last is kept ({@link #supersede}).
 */
final class Change {
    static final StructLayout LAYOUT = structLayout(
            JAVA_LONG.withName("older"),
            JAVA_LONG.withName("time"),
            JAVA_INT.withName("kind"),
            JAVA_INT.withName("bytes"),
            JAVA_INT.withName("imageBytes"),
            JAVA_INT.withName("creditBytes"));

    static final long BYTES = LAYOUT.byteSize();

    private static final VarHandle OLDER = field("older");
    private static final VarHandle TIME = field("time");
    private static final VarHandle KIND = field("kind");
    private static final VarHandle CHANGE_BYTES = field("bytes");
    private static final VarHandle IMAGE_BYTES = field("imageBytes");
    private static final VarHandle CREDIT_BYTES = field("creditBytes");

    static {
        Check.that(BYTES == 32, "the header of a change is 32 bytes");
    }

    private Change() {}

    static void initialize(MemorySegment memory, long change, long older, long time, int kind) {
        assert change % Long.BYTES == 0 : "unaligned change at " + change;
        OLDER.set(memory, change, older);
        TIME.set(memory, change, time);
        KIND.set(memory, change, kind);
    }

    static void setBody(MemorySegment memory, long change, int bytes, int imageBytes, int creditBytes) {
        CHANGE_BYTES.set(memory, change, bytes);
        IMAGE_BYTES.set(memory, change, imageBytes);
        CREDIT_BYTES.set(memory, change, creditBytes);
    }

    /**
     * Writes an UPDATE over the newest change of its row, if no snapshot can tell that there were two: they are of one
     * batch, and set the same cells. Nobody reads the older one's cells meanwhile: the batch is not visible yet, and
     * readers go past what is above their snapshot by its time alone. Answers whether it was done.
     */
    static boolean supersede(
            MemorySegment memory, long change, long time, MemorySegment source, long update, int updateBytes) {
        boolean isDone = change != 0
                && time(memory, change) == time
                && kind(memory, change) == RowChange.UPDATE
                && imageBytes(memory, change) == 0
                && updateBytes <= bytes(memory, change)
                && RowChange.setsSameCells(memory, changeOffset(change), source, update);
        if (isDone) {
            MemorySegment.copy(source, update, memory, changeOffset(change), updateBytes);
            CHANGE_BYTES.set(memory, change, updateBytes);
        }
        return isDone;
    }

    static long older(MemorySegment memory, long change) {
        return (long) OLDER.get(memory, change);
    }

    static long time(MemorySegment memory, long change) {
        return (long) TIME.get(memory, change);
    }

    static int kind(MemorySegment memory, long change) {
        return (int) KIND.get(memory, change);
    }

    static int bytes(MemorySegment memory, long change) {
        return (int) CHANGE_BYTES.get(memory, change);
    }

    static int imageBytes(MemorySegment memory, long change) {
        return (int) IMAGE_BYTES.get(memory, change);
    }

    static int creditBytes(MemorySegment memory, long change) {
        return (int) CREDIT_BYTES.get(memory, change);
    }

    static long changeOffset(long change) {
        return change + BYTES;
    }

    static long imageOffset(MemorySegment memory, long change) {
        return change + BYTES + bytes(memory, change);
    }

    private static VarHandle field(String name) {
        return LAYOUT.varHandle(groupElement(name)).withInvokeExactBehavior();
    }
}
