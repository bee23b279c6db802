package io.nyala.tablet;

import io.nyala.cfile.CorruptPageException;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.io.DiskException;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.KeyIntervals;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.nio.file.Path;

/**
 * A rowset that belongs to a tablet but cannot be read: it is set aside, and whatever may concern one of its rows is
 * refused, so that no answer is shorter than it should be and no key is given out twice. Only its range of keys is
 * known. Immutable.
 */
public final class MissingRowSet implements KeyIntervals.Bounded {
    private final long tabletId;
    private final Path file;
    private final RowSetEntry entry;
    private final String keys;
    private final RuntimeException cause;

    /**
     * @param file where it should be
     * @param cause why it cannot be read; see {@link #isCause}
     */
    public MissingRowSet(long tabletId, Schema schema, Path file, RowSetEntry entry, RuntimeException cause) {
        this.tabletId = tabletId;
        this.file = file;
        this.entry = entry;
        this.cause = cause;
        var codec = new KeyCodec(new RowLayout(schema));
        this.keys = codec.describe(entry.minKey()) + " to " + codec.describe(entry.maxKey());
    }

    /** An open rowset, in which something was found that cannot be read. */
    static MissingRowSet of(Tablet tablet, DiskRowSet rowSet, RuntimeException cause) {
        RowSetEntry entry = RowSetEntry.of(
                rowSet.fileId(), rowSet.rowCount(), rowSet.fileBytes(), rowSet.minKey(), rowSet.maxKey(), 0);
        return new MissingRowSet(tablet.id(), tablet.schema(), rowSet.path(), entry, cause);
    }

    /**
     * Whether a failure to read says that the file is damaged or gone. Others, such as too few file descriptors or too
     * little memory, say nothing about it.
     */
    public static boolean isCause(RuntimeException failure) {
        return failure instanceof CorruptPageException
                || (failure instanceof DiskException e
                        && (e.kind() == DiskException.Kind.NOT_FOUND || e.kind() == DiskException.Kind.IO_ERROR));
    }

    public Path file() {
        return file;
    }

    /** Where in the file the damage begins, as far as that is known; 0 for the whole file. */
    public long offset() {
        return switch (cause) {
            case CorruptPageException e -> e.offset();
            case DiskException e -> Math.max(0, e.position());
            default -> 0;
        };
    }

    /** Rows that are missing, deleted ones included. */
    public long rowCount() {
        return entry.rowCount();
    }

    /** Changes of its rows by log records up to here are in its files. */
    long appliedUpTo() {
        return entry.appliedUpTo();
    }

    /** Its least and its greatest key, in words. */
    public String keys() {
        return keys;
    }

    /** Why it cannot be read. */
    public RuntimeException cause() {
        return cause;
    }

    @Override
    public byte[] minKey() {
        return entry.minKey();
    }

    @Override
    public byte[] maxKey() {
        return entry.maxKey();
    }

    /** Refuses what may concern its rows. */
    MissingRowSetException refusal() {
        return new MissingRowSetException(tabletId, this);
    }

    @Override
    public String toString() {
        return file + ", " + rowCount() + " rows of tablet " + tabletId + ", keys " + keys;
    }
}
