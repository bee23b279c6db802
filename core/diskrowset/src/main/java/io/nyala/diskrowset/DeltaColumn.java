package io.nyala.diskrowset;

import io.nyala.cfile.RawReader;
import io.nyala.diskrowset.DeltaFileFormat.PageEntry;
import java.util.List;

/**
 * One column of an open delta file: where its pages are, and what each is about. Immutable; shared by threads.
 *
 * @param id of the column, or one of those that have no cells
 * @param cellBytes of fixed cells; 0 of strings, and where there are none
 */
record DeltaColumn(int id, int cellBytes, List<PageEntry> pages, RawReader reader) {
    boolean isDeletions() {
        return id == DeltaFileFormat.DELETED_ID;
    }

    boolean hasCells() {
        return id < DeltaFileFormat.LIVE_ID;
    }

    /** The first page, at or after {@code first}, that reaches to a row or beyond; the page count if none does. */
    int pageFrom(long ordinal, int first) {
        int low = first;
        int high = pages.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (pages.get(middle).lastOrdinal() < ordinal) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Entries of all pages. */
    long entryCount() {
        long sum = 0;
        for (PageEntry page : pages) {
            sum += page.entryCount();
        }
        return sum;
    }
}
