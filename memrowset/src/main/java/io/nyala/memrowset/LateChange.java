package io.nyala.memrowset;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.nyala.memory.Check;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * What lies in front of a {@link Change} that came after the seal of its {@link MemRowSet}: a link of the list of all
 * of those, oldest first.
 *
 * <pre>{@code
 *   -16         -8          0
 *   +-----------+-----------+---------- - -
 *   |   newer   |    row    | Change
 *   +-----------+-----------+---------- - -
 * }</pre>
 *
 * <ul>
 *   <li>{@code newer}: the late change after this one, of whatever row; 0 while there is none. Published by {@link
 *       #append}.
 *   <li>{@code row}: the row that was changed.
 * </ul>
 *
 * One writer; another thread may follow the list. Static accessors over {@code (memory, change)}.
 */
final class LateChange {
    static final StructLayout LAYOUT = structLayout(JAVA_LONG.withName("newer"), JAVA_LONG.withName("row"));

    static final long BYTES = LAYOUT.byteSize();

    private static final VarHandle NEWER = field("newer");
    private static final VarHandle ROW = field("row");

    static {
        Check.that(BYTES == 16, "a link of late changes is 16 bytes");
    }

    private LateChange() {}

    /** Fills the link of a change that is not in the list yet. */
    static void initialize(MemorySegment memory, long change, long row) {
        NEWER.set(memory, change - BYTES, 0L);
        ROW.set(memory, change - BYTES, row);
    }

    /** Makes a complete change the one after the present last one. */
    static void append(MemorySegment memory, long last, long change) {
        assert newer(memory, last) == 0 : "a late change would be lost after " + last;
        NEWER.setRelease(memory, last - BYTES, change);
    }

    /** The next late change, or 0. Acquires what {@link #append} released: it is complete. */
    static long newer(MemorySegment memory, long change) {
        return (long) NEWER.getAcquire(memory, change - BYTES);
    }

    static long row(MemorySegment memory, long change) {
        return (long) ROW.get(memory, change - BYTES);
    }

    private static VarHandle field(String name) {
        return LAYOUT.varHandle(groupElement(name)).withInvokeExactBehavior();
    }
}
