package io.nyala.columns;

import java.util.Map;

/** Somebody who has all rows of {@code lineitem} and can be asked. One thread; whoever opened it closes it. */
interface LineItemStore extends AutoCloseable {
    String name();

    /** Whether it can be asked, too; if not it only shows what the rows take. */
    boolean isAsked();

    /** The answer, in the same words whoever gives it. */
    String answer(LineItemQuery query);

    /** Lets go of what it has in memory of the rows, so that the next question reads them from the disk. */
    void forget();

    /** What all rows take on the disk. */
    long bytes();

    /** What columns of it take, by name; empty if that is not known. */
    Map<String, Long> columnBytes();

    @Override
    void close();
}
