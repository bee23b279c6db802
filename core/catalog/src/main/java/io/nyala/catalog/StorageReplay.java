package io.nyala.catalog;

import java.util.ArrayList;
import java.util.List;

/**
 * Makes the state of a host out of the edits that its storage log gives back.
 *
 * <p>What is before the last complete checkpoint does not count, and may be there in part only: a crash while the log
 * forgets it leaves some of its segments. So edits are gathered first, and applied when it is known which of them
 * count.
 *
 * <p>One thread.
 */
public final class StorageReplay {
    private static final int NONE = -1;

    private final List<StorageEdit> edits = new ArrayList<>();
    private int begin = NONE;

    /** The last checkpoint has no BEGIN. That is fine if it is one of those that are being forgotten. */
    private boolean isBeginningLost;

    /** Takes the next edit of the log. */
    public void add(StorageEdit edit) {
        if (edit instanceof StorageEdit.Checkpoint checkpoint) {
            mark(checkpoint.mark());
        } else {
            edits.add(edit);
        }
    }

    private void mark(StorageEdit.Checkpoint.Mark mark) {
        switch (mark) {
            case BEGIN -> {
                dropOpen();
                begin = edits.size();
            }
            case END -> {
                isBeginningLost = begin == NONE;
                if (!isBeginningLost) {
                    edits.subList(0, begin).clear();
                    begin = NONE;
                }
            }
        }
    }

    /** A checkpoint that was cut off does not count. Nothing but another one comes behind it. */
    private void dropOpen() {
        if (begin != NONE) {
            edits.subList(begin, edits.size()).clear();
            begin = NONE;
        }
    }

    /** The state that the log describes. */
    public StorageState state() {
        var state = new StorageState();
        dropOpen();
        boolean isWhole = edits.isEmpty() || edits.getFirst() instanceof StorageEdit.Identity;
        if (isBeginningLost || !isWhole) {
            throw new IllegalStateException(
                    "the storage log does not begin with its identity: its first files are missing");
        }
        edits.forEach(state::apply);
        return state;
    }
}
