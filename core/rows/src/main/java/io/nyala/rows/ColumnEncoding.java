package io.nyala.rows;

import org.jspecify.annotations.Nullable;

/**
 * How a column's pages would best be encoded: a hint of the user, in Kudu's words. AUTO lets the writer look at the
 * data.
 */
public enum ColumnEncoding {
    AUTO(0),
    PLAIN(1),
    PREFIX(2),
    RLE(3),
    DICT(4),
    BIT_SHUFFLE(5);

    private final int code;

    ColumnEncoding(int code) {
        this.code = code;
    }

    /** The hint with this code; null if there is none. */
    static @Nullable ColumnEncoding ofCode(int code) {
        for (ColumnEncoding hint : values()) {
            if (hint.code == code) {
                return hint;
            }
        }
        return null;
    }

    /** Stable, on disk. */
    public int code() {
        return code;
    }
}
