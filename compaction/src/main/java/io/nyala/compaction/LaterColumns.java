package io.nyala.compaction;

import io.nyala.cfile.ColumnReader;
import io.nyala.cfile.ColumnWriter;
import io.nyala.cfile.ReadAhead;
import io.nyala.cfile.VectorSelection;
import io.nyala.diskrowset.RowSetWriter;
import io.nyala.encoding.DecoderScratch;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.Column;
import io.nyala.rows.Limits;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes the columns that the rows of a merge do not have, when those of an output are there: one column after the
 * other, from the vectors of all inputs, along the {@link RowOrigins}.
 *
 * <p>Memory is a vector of one column of each input, reads ahead of them, what the column takes while it is written,
 * and the origins. One thread. Whoever made it closes it, before the inputs.
 */
final class LaterColumns implements AutoCloseable {
    /** A step is some tens to hundreds of microseconds. */
    private static final int ROWS_PER_STEP = 8 * Limits.VECTOR_ROWS;

    /** Of all inputs, in the column that is written. */
    private static final long READ_AHEAD_BYTES_MAX = 4 << 20;

    private final MergeColumns plan;
    private final MemoryAccount account;
    private final RowOrigins origins;
    private final List<ColumnFeed> feeds = new ArrayList<>();

    /** Of the rows so far, in all later columns together. */
    private double bytes;

    private @Nullable DecoderScratch scratch; // Taken when rows are there.
    private @Nullable ReadAhead ahead;

    // The present column.
    private int index;
    private @Nullable ColumnWriter target;
    private RowOrigins.@Nullable Reader rows;

    LaterColumns(MergeColumns plan, MemoryAccount account) {
        this.plan = plan;
        this.account = account;
        this.origins = new RowOrigins(plan.inputCount(), account);
        for (int i = 0; i < plan.inputCount(); i++) {
            feeds.add(new ColumnFeed(account));
        }
    }

    /** The next row of the output is that of an input. */
    void add(int input, long ordinal) {
        origins.add(input, ordinal);
        bytes += plan.laterBytesPerRow(input);
    }

    /** About what the columns of the rows so far will take. */
    long estimatedBytes() {
        return (long) bytes;
    }

    /** What part of the output is written, from 0 to 1, if its rows are there: they count as a column. */
    double progress() {
        return (index + 1.0) / (plan.later().size() + 1);
    }

    /** Writes a bounded piece of the columns; false when the output has them all, and rows of the next may come. */
    boolean step(RowSetWriter output) {
        RowOrigins.Reader reader = rows;
        ColumnWriter column = target;
        if (reader == null || column == null) {
            if (index == plan.later().size()) {
                endOutput();
                return false;
            }
            begin(plan.later().get(index), output);
            return true;
        }
        for (int left = ROWS_PER_STEP; left > 0; left -= reader.rowCount()) {
            if (!reader.next(left)) {
                endColumn(output);
                return true;
            }
            feeds.get(reader.input()).append(reader.ordinal(), reader.rowCount(), column);
        }
        feeds.forEach(ColumnFeed::rest);
        return true;
    }

    private void begin(Column column, RowSetWriter output) {
        DecoderScratch decoding = scratch;
        if (decoding == null) {
            decoding = new DecoderScratch(account);
            scratch = decoding;
        }
        ReadAhead reads = ahead;
        if (reads == null) {
            reads = plan.input(0).readAhead(account, READ_AHEAD_BYTES_MAX);
            ahead = reads;
        }
        for (int i = 0; i < feeds.size(); i++) {
            ColumnReader stored = plan.input(i).stored(column);
            if (stored == null) {
                feeds.get(i).open(column.readDefault());
            } else if (origins.first(i) < origins.end(i)) {
                feeds.get(i).open(stored, decoding, reads, wanted(i));
            }
        }
        target = output.begin(plan.index(column));
        rows = origins.reader();
    }

    private VectorSelection wanted(int input) {
        var wanted = new VectorSelection(plan.input(input).rowCount());
        wanted.removeRange(0, (int) (origins.first(input) / Limits.VECTOR_ROWS));
        wanted.removeRange((int) ((origins.end(input) - 1) / Limits.VECTOR_ROWS) + 1, wanted.vectorCount());
        return wanted;
    }

    private void endColumn(RowSetWriter output) {
        feeds.forEach(ColumnFeed::end);
        output.end(plan.index(plan.later().get(index)));
        index++;
        target = null;
        rows = null;
    }

    private void endOutput() {
        closeReads();
        origins.clear();
        index = 0;
        bytes = 0;
    }

    private void closeReads() {
        ReadAhead reads = ahead;
        DecoderScratch decoding = scratch;
        ahead = null;
        scratch = null;
        try {
            if (reads != null) {
                reads.close();
            }
        } finally {
            if (decoding != null) {
                decoding.close();
            }
        }
    }

    @Override
    public void close() {
        try {
            feeds.forEach(ColumnFeed::close);
        } finally {
            try {
                closeReads();
            } finally {
                origins.close();
            }
        }
    }
}
