package io.nyala.wal;

/** What must have happened to a record before it counts as acknowledged. */
public enum Durability {
    /** On stable storage, with everything before it. Survives a power cut. */
    SYNC,
    /**
     * Written but not flushed. Survives the end of the process; a power cut may take it. Only when asked for by name.
     */
    WRITTEN
}
