package io.nyala.catalog;

import io.nyala.rows.Schema;
import io.nyala.tablet.RowSetEntry;
import java.util.List;

/** One change of what a host stores, as the storage log records it. Its bytes: {@link StorageEditFormat}. */
public sealed interface StorageEdit {
    /** First in every log: whose it is. */
    record Identity(long hostId) implements StorageEdit {}

    /** The write-ahead log exists from here on: if it is missing later, acknowledged writes are. */
    record LogStarted(long logId) implements StorageEdit {}

    /**
     * The edits between BEGIN and END repeat the whole state; after END nothing before BEGIN is needed. A BEGIN without
     * an END was cut off by a crash; the next BEGIN takes its place.
     */
    record Checkpoint(Mark mark) implements StorageEdit {
        /** Which end of a checkpoint. */
        public enum Mark {
            BEGIN(0),
            END(1);

            private final int code;

            Mark(int code) {
                this.code = code;
            }

            /** As it stands in the log. */
            public int code() {
                return code;
            }
        }
    }

    /** A table with its tablet came into being. */
    record CreateTable(long tableId, String name, Schema schema, long tabletId) implements StorageEdit {}

    /** File ids up to (excluding) {@code nextFileId} may exist on disk, whether or not a tablet has them. */
    record AllocateFiles(long nextFileId) implements StorageEdit {}

    /**
     * The rowsets {@code added} are part of the tablet, and log records up to {@code appliedUpTo} are in its rowsets.
     */
    record Flushed(long tabletId, List<RowSetEntry> added, long appliedUpTo) implements StorageEdit {
        public Flushed {
            added = List.copyOf(added);
        }
    }

    /** No timestamp above {@code leaseEnd} was handed out before a later lease. */
    record ClockLease(long leaseEnd) implements StorageEdit {}
}
