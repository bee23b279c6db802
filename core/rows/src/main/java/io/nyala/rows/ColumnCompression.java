package io.nyala.rows;

import org.jspecify.annotations.Nullable;

/**
 * How a column's pages would best be compressed: a hint of the user. A page that it does not shrink stays as it is.
 */
public enum ColumnCompression {
    DEFAULT(0),
    NONE(1),
    LZ4(2),
    ZSTD(3),
    SNAPPY(4),
    ZLIB(5),
    /** ZSTD that knows from a dictionary, trained for each file of the column, what its pages have in common. */
    ZSTD_DICTIONARY(6);

    private final int code;

    ColumnCompression(int code) {
        this.code = code;
    }

    /** The hint with this code; null if there is none. */
    static @Nullable ColumnCompression ofCode(int code) {
        for (ColumnCompression hint : values()) {
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
