package io.nyala.diskrowset;

import io.nyala.rows.DeltaSource;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * REDO from a list, which finds out who touches it when that is not allowed: when it was replaced, or when no reader is
 * in. One thread.
 */
final class ListedDeltas implements DeltaSource {
    private final List<Change> changes;
    private final Reading reading;
    private boolean isGone;

    /** A change as bytes. */
    @SuppressWarnings("ArrayRecordComponent") // Nobody compares them.
    record Change(long ordinal, long time, byte[] bytes) {}

    /** Whether a reader is in at the moment. */
    static final class Reading {
        boolean isIn;
    }

    /** @param changes by ordinal, of each row oldest first */
    ListedDeltas(List<Change> changes, Reading reading) {
        this.changes = changes;
        this.reading = reading;
    }

    List<Change> changes() {
        return changes;
    }

    /** Another source takes its place. */
    void replaced() {
        isGone = true;
    }

    private void checkUse() {
        if (isGone || !reading.isIn) {
            throw new AssertionError(isGone ? "a source that was replaced is read" : "a source is read by nobody");
        }
    }

    @Override
    public boolean mayChange(long from, long to, long snapshot) {
        checkUse();
        return changes.stream()
                .anyMatch(change -> change.ordinal() >= from && change.ordinal() < to && change.time() <= snapshot);
    }

    @Override
    public Cursor changes(long from, long to, long snapshot) {
        checkUse();
        List<Change> relevant = changes.stream()
                .filter(change -> change.ordinal() >= from && change.ordinal() < to && change.time() <= snapshot)
                .toList();
        return new ListCursor(relevant);
    }

    private final class ListCursor implements Cursor {
        private final List<Change> relevant;
        private int next;

        ListCursor(List<Change> relevant) {
            this.relevant = relevant;
        }

        @Override
        public boolean next() {
            checkUse();
            next = Math.min(next + 1, relevant.size() + 1);
            return next <= relevant.size();
        }

        private Change present() {
            checkUse();
            return relevant.get(next - 1);
        }

        @Override
        public long ordinal() {
            return present().ordinal();
        }

        @Override
        public long time() {
            return present().time();
        }

        @Override
        public MemorySegment memory() {
            return MemorySegment.ofArray(present().bytes());
        }

        @Override
        public long changeOffset() {
            return 0;
        }

        @Override
        public int changeBytes() {
            return present().bytes().length;
        }

        @Override
        public void close() {}
    }
}
