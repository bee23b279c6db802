package io.nyala.encoding;

import java.lang.foreign.MemorySegment;

/**
 * A question to single values that no range says, such as whether they are in a list: for {@link EntryPredicates}.
 * Asked of each value that a vector has, so it allocates nothing. Implementations are immutable.
 */
public interface ValueTest {
    /** Whether a cell of up to 8 bytes matches, given as the signed integer of its bits. */
    boolean matchesLong(long bits);

    /** Whether a cell of 16 bytes, or a byte string, matches. */
    boolean matchesBytes(MemorySegment source, long offset, int bytes);
}
