package io.nyala.diskrowset;

/** Which way the changes of a delta file lead ({@link io.nyala.rows.DeltaSource}). */
public enum DeltaKind {
    /** What happened to the rows since the base was written: forward, of each row oldest first. */
    REDO(1),

    /** What happened to them before: back, newest first. */
    UNDO(2);

    private final int id;

    DeltaKind(int id) {
        this.id = id;
    }

    /** In a file. */
    int id() {
        return id;
    }

    static DeltaKind ofId(int id) {
        return switch (id) {
            case 1 -> REDO;
            case 2 -> UNDO;
            default -> throw new IllegalArgumentException("no kind of delta file has the number " + id);
        };
    }

    /** Whether {@code time} comes before {@code other} in the order in which changes of a row are applied. */
    boolean isBefore(long time, long other) {
        return this == REDO ? time < other : time > other;
    }

    /** Whether changes within these times may have to be applied for a snapshot. */
    boolean isRelevant(long oldestTime, long newestTime, long snapshot) {
        return this == REDO ? oldestTime <= snapshot : newestTime > snapshot;
    }

    /** The snapshot at which all changes are relevant. */
    long everySnapshot() {
        return this == REDO ? Long.MAX_VALUE : Long.MIN_VALUE;
    }
}
