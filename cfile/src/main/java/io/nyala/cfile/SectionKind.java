package io.nyala.cfile;

/** What a section of a file holds. The id is on disk and never changes its meaning; 0 is none. Immutable. */
public enum SectionKind {
    /** Pages of vectors. */
    COLUMN(1),
    /** One page: {@link KeyFilter} of version 1, which nothing writes any more. */
    KEY_FILTER_BEFORE(2),
    /** One page: {@link KeyIndex}. */
    KEY_INDEX(3),
    /** One or more pages of bytes that only the caller understands. */
    RAW(4),
    /** One or more pages: {@link KeyFilter}. */
    KEY_FILTER(5),
    /** One page: {@link PageDictionary} of the column with the same id. */
    DICTIONARY(6);

    private static final SectionKind[] ALL = values();

    private final int id;

    SectionKind(int id) {
        this.id = id;
    }

    static {
        for (int i = 0; i < ALL.length; i++) {
            if (ALL[i].id != i + 1) {
                throw new AssertionError("ids are dense from 1, which of(id) relies on");
            }
        }
    }

    int id() {
        return id;
    }

    static boolean isKnown(int id) {
        return id >= 1 && id <= ALL.length;
    }

    static SectionKind of(int id) {
        return ALL[id - 1];
    }
}
