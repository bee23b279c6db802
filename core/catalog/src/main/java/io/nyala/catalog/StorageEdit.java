package io.nyala.catalog;

import io.nyala.tablet.DeltaFileEntry;
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

    /** File ids up to (excluding) {@code nextFileId} may exist on disk, whether or not a tablet has them. */
    record AllocateFiles(long nextFileId) implements StorageEdit {}

    /**
     * Ids of tables and tablets up to (excluding) {@code nextId} were given out. Only in checkpoints: a table that was
     * purged must not come back to life in a later one.
     */
    record AllocateIds(long nextId) implements StorageEdit {}

    /** No timestamp above {@code leaseEnd} was handed out before a later lease. */
    record ClockLease(long leaseEnd) implements StorageEdit {}

    /** A table with all its tablets came into being. */
    record CreateTable(long tableId, TableDescription description, List<TabletPlace> tablets) implements StorageEdit {
        public CreateTable {
            tablets = List.copyOf(tablets);
        }
    }

    /**
     * A table is as described from here on, with some tablets more and some fewer. Files of tablets that are gone are
     * deleted after the edit.
     */
    record AlterTable(
            long tableId, TableDescription description, List<TabletPlace> addedTablets, List<Long> droppedTablets)
            implements StorageEdit {
        public AlterTable {
            addedTablets = List.copyOf(addedTablets);
            droppedTablets = List.copyOf(droppedTablets);
        }
    }

    /** A table is not to be seen any more, but is kept for a while. */
    record DropTable(long tableId, TableEntry.Drop drop) implements StorageEdit {}

    /** A dropped table is back, under a name that is free. */
    record RecallTable(long tableId, String name) implements StorageEdit {}

    /** A table is gone, dropped before or not, with all its tablets. Its files are deleted after the edit. */
    record PurgeTable(long tableId) implements StorageEdit {}

    /**
     * The rowsets {@code added} are part of the tablet, and inserts of log records up to {@code appliedUpTo} are in its
     * rowsets.
     */
    record Flushed(long tabletId, List<RowSetEntry> added, long appliedUpTo) implements StorageEdit {
        public Flushed {
            added = List.copyOf(added);
        }
    }

    /**
     * The delta files {@code added} correct a rowset, in this order, and changes of log records up to
     * {@code appliedUpTo} to its rows are in its files.
     */
    record DeltasFlushed(long tabletId, long rowSetFileId, List<DeltaFileEntry> added, long appliedUpTo)
            implements StorageEdit {
        public DeltasFlushed {
            added = List.copyOf(added);
        }
    }

    /**
     * The delta files {@code added} have taken the place of those that are {@code removed}, which lie one behind
     * another beside a rowset: the same changes of its rows, as far as the table has their columns. Files that are
     * removed are deleted afterwards.
     */
    record DeltasReplaced(long tabletId, long rowSetFileId, List<Long> removed, List<DeltaFileEntry> added)
            implements StorageEdit {
        public DeltasReplaced {
            removed = List.copyOf(removed);
            added = List.copyOf(added);
        }
    }

    /**
     * The rowsets {@code added} have taken the place of those whose files are {@code removed}: the same rows, as far as
     * anybody can see them at {@code historyMark} or later, with their changes of log records up to {@code
     * appliedUpTo}. Files that are removed are deleted afterwards.
     */
    record Merged(long tabletId, List<Long> removed, List<RowSetEntry> added, long appliedUpTo, long historyMark)
            implements StorageEdit {
        public Merged {
            removed = List.copyOf(removed);
            added = List.copyOf(added);
        }
    }
}
