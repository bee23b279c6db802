package io.nyala.diskrowset;

import io.nyala.rows.DeltaSource;
import java.util.List;

/**
 * Where the changes since a rowset's file was written lie at this moment. Asked before each batch of a scan, by the
 * scan's thread, so it is to be as cheap as the read of a volatile field.
 *
 * <p>What is relevant at a scan's snapshot never changes while the scan is open; where it lies may: a flush puts a
 * delta file in the place of a memory store. Each such step is another list.
 */
@FunctionalInterface
public interface RedoSources {
    /** Nothing has changed since. */
    RedoSources NONE = List::of;

    /**
     * The sources, oldest first, as a list that does not change: the same object as long as nothing was replaced. Its
     * sources may be read until the caller's next call.
     */
    List<DeltaSource> oldestFirst();
}
