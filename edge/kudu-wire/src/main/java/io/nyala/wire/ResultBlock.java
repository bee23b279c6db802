package io.nyala.wire;

import io.nyala.memory.MemoryAccount;
import io.nyala.protocol.tserver.Tserver.RowFormatFlags;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.wire.WireException.Fault;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Rows of a scan on their way to a client: taken from batches, laid out in memory of its own, to be sent beside the
 * message.
 *
 * <pre>{@code
 * while (block.bytes() < batchBytes && scan.next()) {
 *     block.add(scan.batch());
 * }
 * block.describe(response);
 * send(response.build(), block.sidecars()); // Then clear it.
 * }</pre>
 *
 * <p>Belongs to one thread at a time; whoever made it closes it. Adding rows allocates nothing on the heap per row.
 */
public sealed interface ResultBlock extends AutoCloseable permits RowwiseBlock, ColumnarBlock {
    /** In the place of a column: there is none in the batches, because they have no deleted rows. */
    int NOT_DELETED = -1;

    /** As below, with all columns of the batches in their order. */
    static ResultBlock of(List<Column> columns, long rowFormatFlags, MemoryAccount account) {
        return of(columns, IntStream.range(0, columns.size()).toArray(), rowFormatFlags, account);
    }

    /**
     * A block in the layout that a client asks for.
     *
     * @param columns of the batches that will come
     * @param sources which of them the client wants, in this order; {@link #NOT_DELETED} for a column that says of
     *     each row that it is not deleted
     * @param rowFormatFlags of the request: {@link RowFormatFlags}; others are ignored, as by Kudu
     */
    static ResultBlock of(List<Column> columns, int[] sources, long rowFormatFlags, MemoryAccount account) {
        if ((rowFormatFlags & RowFormatFlags.COLUMNAR_LAYOUT_VALUE) != 0) {
            if (rowFormatFlags != RowFormatFlags.COLUMNAR_LAYOUT_VALUE) {
                throw new WireException(Fault.SCAN_SPEC, "Row format flags not supported with columnar layout");
            }
            return new ColumnarBlock(columns, sources, account);
        }
        boolean isPadded = (rowFormatFlags & RowFormatFlags.PAD_UNIX_TIME_MICROS_TO_16_BYTES_VALUE) != 0;
        return new RowwiseBlock(columns, sources, isPadded, account);
    }

    /** The columns of a block. */
    static List<Column> columns(List<Column> ofBatches, int[] sources) {
        return IntStream.of(sources)
                .mapToObj(source ->
                        source == NOT_DELETED ? Column.of("is_deleted", ColumnType.BOOL) : ofBatches.get(source))
                .toList();
    }

    /** Takes all rows of a batch. */
    default void add(ColumnBatch batch) {
        add(batch, 0, batch.rowCount());
    }

    /** Takes some rows of a batch. If it throws, because there is no memory for them, the block is as it was. */
    void add(ColumnBatch batch, int firstRow, int count);

    long rowCount();

    /** What the sidecars have in all. */
    long bytes();

    /** Writes where the rows are into an answer, whose first sidecars are {@link #sidecars}. */
    void describe(ScanResponsePB.Builder response);

    /** In order; valid until rows are added or the block is cleared. Allocates. */
    List<MemorySegment> sidecars();

    /** Forgets the rows; the memory stays. */
    void clear();

    @Override
    void close();
}
