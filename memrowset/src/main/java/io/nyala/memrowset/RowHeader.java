package io.nyala.memrowset;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.nyala.memory.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * The fixed header in front of every row in memory, followed by its encoded key and the packed row as it was inserted.
 * Native byte order, 8-byte aligned.
 *
 * <pre>{@code
 *   -8      0                   8                   16        20         24                 24 + keyBytes
 *   +-------+-------------------+-------------------+---------+----------+------------------+------------ - -
 *   | place |    insert time    |   newest change   | rowBytes| keyBytes | key[keyBytes]    | row[rowBytes]
 *   +-------+-------------------+-------------------+---------+----------+------------------+------------ - -
 * }</pre>
 *
 * <ul>
 *   <li>{@code place}: where a flush put the row, or is about to ({@link Place}). Only rows of a {@link MemRowSet} have
 *       it. Written by whoever reads the rows for the flush, read by whoever knows that this is done.
 *   <li>{@code insert time}: hybrid time of the insertion; written before the row is published.
 *   <li>{@code newest change}: offset of the newest {@link Change}, 0 if none. Published by {@link #prepend}; the
 *       changes it leads to are complete by then.
 * </ul>
 *
 * <p>One writer, many readers. Every accessor takes {@code (memory, row)}: there is no object per row, and nothing to
 * allocate.
 */
final class RowHeader {
    static final StructLayout LAYOUT = structLayout(
            JAVA_LONG.withName("insertTime"),
            JAVA_LONG.withName("newestChange"),
            JAVA_INT.withName("rowBytes"),
            JAVA_INT.withName("keyBytes"));

    static final long BYTES = LAYOUT.byteSize();

    /** Of the place, in front of the header. */
    static final long PLACE_BYTES = Long.BYTES;

    // Static and final, or the JIT cannot see through them.
    private static final VarHandle INSERT_TIME = field("insertTime");
    private static final VarHandle NEWEST_CHANGE = field("newestChange");
    private static final VarHandle ROW_BYTES = field("rowBytes");
    private static final VarHandle KEY_BYTES = field("keyBytes");

    private static final VarHandle PLACE = JAVA_LONG.varHandle().withInvokeExactBehavior();

    static {
        Check.that(BYTES == 24, "a row header is 24 bytes");
    }

    private RowHeader() {}

    /** Fills the header of a row that is not yet published. */
    static void initialize(MemorySegment memory, long row, long insertTime, int keyBytes, int rowBytes) {
        assert row % Long.BYTES == 0 : "unaligned row at " + row;
        INSERT_TIME.set(memory, row, insertTime);
        NEWEST_CHANGE.set(memory, row, 0L);
        ROW_BYTES.set(memory, row, rowBytes);
        KEY_BYTES.set(memory, row, keyBytes);
    }

    static long place(MemorySegment memory, long row) {
        return (long) PLACE.get(memory, row - PLACE_BYTES);
    }

    static void setPlace(MemorySegment memory, long row, long place) {
        PLACE.set(memory, row - PLACE_BYTES, place);
    }

    static long insertTime(MemorySegment memory, long row) {
        return (long) INSERT_TIME.get(memory, row);
    }

    /** Offset of the newest change, or 0. Acquires what {@link #prepend} released. */
    static long newestChange(MemorySegment memory, long row) {
        return (long) NEWEST_CHANGE.getAcquire(memory, row);
    }

    /** Makes a complete change, whose {@code older} already is the present newest, visible to readers. */
    static void prepend(MemorySegment memory, long row, long change) {
        assert change % Long.BYTES == 0 : "unaligned change at " + change;
        assert Change.older(memory, change) == newestChange(memory, row) : "a change would be lost at " + row;
        NEWEST_CHANGE.setRelease(memory, row, change);
    }

    static long keyOffset(long row) {
        return row + BYTES;
    }

    static int keyBytes(MemorySegment memory, long row) {
        return (int) KEY_BYTES.get(memory, row);
    }

    /** Where the packed row starts, as it was inserted. */
    static long rowOffset(MemorySegment memory, long row) {
        return row + BYTES + keyBytes(memory, row);
    }

    static int rowBytes(MemorySegment memory, long row) {
        return (int) ROW_BYTES.get(memory, row);
    }

    private static VarHandle field(String name) {
        return LAYOUT.varHandle(groupElement(name)).withInvokeExactBehavior();
    }
}
