package io.nyala.cli;

import io.nyala.rows.ColumnBatch;

/** Where the rows of a scan go, in a form of its own. One thread. */
interface RowPrinter extends AutoCloseable {
    /** Prints all rows of a batch. */
    void print(ColumnBatch batch);

    /** Prints what comes last. */
    @Override
    void close();
}
