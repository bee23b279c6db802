package io.nyala.rows;

/** Every limit of a row, with its reason. Kudu's values, or more generous ones. */
public final class Limits {
    /** Kudu allows 300 by default. Far beyond, pages of a wide row's columns no longer fit in memory together. */
    public static final int COLUMNS_MAX = 1024;

    /** One cell before encoding, as Kudu: a vector of large cells still fits in a page. */
    public static final int CELL_BYTES_MAX = 64 << 10;

    /** An encoded key, as Kudu: a node of a key index holds at least a few. */
    public static final int KEY_BYTES_MAX = 16 << 10;

    /** Name of a column or table, in UTF-8, as Kudu. */
    public static final int NAME_BYTES_MAX = 256;

    /** Comment of a column, in UTF-8, as Kudu. */
    public static final int COMMENT_BYTES_MAX = 256;

    /** One write batch: one log record. */
    public static final int BATCH_BYTES_MAX = 8 << 20;

    /** Operations of a write batch, those with errors included: more than fit in it, so that only errors meet it. */
    public static final int BATCH_OPERATIONS_MAX = 1 << 19;

    /** Rows of a column batch: what stays in the first-level cache while a column of it is worked on. */
    public static final int VECTOR_ROWS = 1024;

    /** Bytes of one variable-length column of a column batch. */
    public static final int BATCH_VARIABLE_BYTES_MAX = 1 << 20;

    /** Digits of a decimal: what 128 bits hold. */
    public static final int DECIMAL_PRECISION_MAX = 38;

    /** Characters of a VARCHAR, as Kudu. */
    public static final int VARCHAR_CHARS_MAX = 65_535;

    /** 0001-01-01, in days since 1970-01-01. */
    public static final int DATE_DAYS_MIN = -719_162;

    /** 9999-12-31, in days since 1970-01-01. */
    public static final int DATE_DAYS_MAX = 2_932_896;

    /** Block size a column may ask for, as Kudu's cap. */
    public static final int BLOCK_BYTES_MAX = 16 << 20;

    /** Values of one IN predicate. */
    public static final int IN_LIST_VALUES_MAX = 1 << 16;

    /** Bloom filters of one predicate: a join brings one, rarely a few. */
    public static final int BLOOM_FILTERS_MAX = 64;

    /** Ids are 16 bits wide in a row change. */
    public static final int COLUMN_ID_MAX = 65_535;

    private Limits() {}
}
