package io.nyala.diskrowset;

import io.nyala.encoding.DecoderScratch;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.GrowingBuffer;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What one reader needs of native memory to read rowsets and their changes, however many they are: a scan, a look-up or
 * a merge. What is good only within one call is here once, and all its cursors use it in turn.
 *
 * <pre>{@code
 *   bytes of                      a scan, before    now                  why
 *   the reader                    -                 88 Ki                to decode a vector, a page of changes, a row
 *   a rowset that is open         52 Ki and more    0                    nothing survives a call, but rows that had no
 *                                                                        room in the batch: those keep 8 Ki and theirs
 *   a delta file that is open     36 Ki             4 Ki                 one change
 *   one of its columns            32 Ki             4 Ki, or up to 64    entries that come next, see DeltaColumnCursor
 *   all these of one rowset       files x columns   0, beyond 2 Mi       closed at the end of the call, and opened anew
 * }</pre>
 *
 * <p>Memory is taken when it is first needed. For one thread at a time. Whoever made it closes it, after the cursors.
 */
public final class ReaderMemory implements AutoCloseable {
    /** Of decoded changes that are kept from call to call: eight delta files of four columns, twice. */
    private static final long CHANGES_BYTES_KEPT = 2 << 20;

    private final MemoryAccount account;
    private final long changesBytesKept;
    private final GrowingBuffer key;
    private final GrowingBuffer row;
    private final GrowingBuffer spareRow;
    private @Nullable PartRows idle;
    private @Nullable DecoderScratch scratch;
    private DeltaColumn.@Nullable Page page;
    private @Nullable Slab bitmap;
    private long changesBytes;

    /** {@code account} pays for all of it. */
    public ReaderMemory(MemoryAccount account) {
        this(account, CHANGES_BYTES_KEPT);
    }

    /** @param changesBytesKept of decoded changes, up to which columns of changes are decoded a page at a time */
    ReaderMemory(MemoryAccount account, long changesBytesKept) {
        this.account = account;
        this.changesBytesKept = changesBytesKept;
        this.key = new GrowingBuffer(account);
        this.row = new GrowingBuffer(account);
        this.spareRow = new GrowingBuffer(account);
    }

    MemoryAccount account() {
        return account;
    }

    /** Where vectors are decoded. */
    DecoderScratch scratch() {
        DecoderScratch taken = scratch;
        if (taken == null) {
            taken = new DecoderScratch(account);
            scratch = taken;
        }
        return taken;
    }

    /** Where pages of changes are decoded. */
    DeltaColumn.Page page() {
        DeltaColumn.Page taken = page;
        if (taken == null) {
            taken = new DeltaColumn.Page(scratch(), account);
            page = taken;
        }
        return taken;
    }

    /** Which rows of a vector are left. */
    MemorySegment bitmap() {
        Slab taken = bitmap;
        if (taken == null) {
            taken = account.take(VectorFilter.BITMAP_BYTES + VectorFilter.PADDING_BYTES);
            bitmap = taken;
        }
        return taken.segment();
    }

    /** Where a key is put together within one call. */
    GrowingBuffer key() {
        return key;
    }

    /** Likewise a row. */
    GrowingBuffer row() {
        return row;
    }

    /** Likewise what it becomes. */
    GrowingBuffer spareRow() {
        return spareRow;
    }

    /** For what is left of a part of a vector; {@link #giveBack} follows. */
    PartRows borrow() {
        PartRows part = idle;
        idle = null;
        return part == null ? new PartRows(account) : part;
    }

    /** Takes a part back, and keeps it for who comes next: as a rule that is one rowset at a time. */
    void giveBack(PartRows part) {
        part.clear();
        if (idle == null) {
            idle = part;
        } else {
            part.close();
        }
    }

    /** The changes of a source, in this memory where the source has them on disk. */
    DeltaSource.Cursor changes(DeltaSource source, long from, long to, long snapshot, int[] columnIds) {
        return source instanceof DeltaFile file
                ? file.changes(from, to, snapshot, columnIds, this)
                : source.changes(from, to, snapshot, columnIds, account);
    }

    /** As above, all of them. */
    DeltaSource.Cursor changes(DeltaSource source, long from, long to, long snapshot) {
        return source instanceof DeltaFile file
                ? file.changes(from, to, snapshot, this)
                : source.changes(from, to, snapshot, account);
    }

    // ---- What is kept of changes ----

    /** Counts what a cursor over changes has taken, or given back. */
    void countChanges(long bytes) {
        changesBytes += bytes;
        assert changesBytes >= 0 : changesBytes + " bytes of changes";
    }

    /** Whether who comes next should be content with little. */
    boolean isFullOfChanges() {
        return changesBytes >= changesBytesKept;
    }

    /** Whether who ends a call should give back what it has of changes. */
    boolean hasTooManyChanges() {
        return changesBytes > changesBytesKept;
    }

    @Override
    public void close() {
        assert changesBytes == 0 : changesBytes + " bytes of changes are still in use";
        PartRows part = idle;
        idle = null;
        if (part != null) {
            part.close();
        }
        key.close();
        row.close();
        spareRow.close();
        DeltaColumn.Page takenPage = page;
        page = null;
        if (takenPage != null) {
            takenPage.close();
        }
        DecoderScratch taken = scratch;
        scratch = null;
        if (taken != null) {
            taken.close();
        }
        Slab takenBitmap = bitmap;
        bitmap = null;
        if (takenBitmap != null) {
            account.giveBack(takenBitmap);
        }
    }
}
