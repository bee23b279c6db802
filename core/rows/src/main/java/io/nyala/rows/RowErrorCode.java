package io.nyala.rows;

/** Why one operation of a batch was not done. */
public enum RowErrorCode {
    /** INSERT of a key that is there. */
    ALREADY_PRESENT(1),
    /** UPDATE or DELETE of a key that is not there. */
    NOT_FOUND(2),
    /** A column that needs a value was not set: a key column, or one that is NOT NULL and has no write default. */
    MISSING_VALUE(3),
    NULL_IN_NOT_NULL(4),
    KEY_TOO_LONG(5),
    /** A cell, or all cells of the row together. */
    CELL_TOO_LONG(6),
    /**
     * A value that the column cannot hold: a number out of range, too many digits, a date outside the years 1 to 9999.
     */
    BAD_VALUE(7),
    /** An UPDATE that sets nothing but the key. */
    NOTHING_TO_UPDATE(8),
    /** The row is outside of every range partition of its table. */
    NO_RANGE(10),
    /**
     * A condition of the operation does not hold: the row is there, but has another value; or an UPSERT has a condition
     * and there is no row.
     */
    CONDITION_NOT_MET(11),
    /** Not done, because another operation of the atomic batch failed. */
    ROLLED_BACK(12),
    /**
     * An UPDATE, or an UPSERT of a row that is there, sets an immutable column, be it to the value that the cell has
     * already. Of an UPDATE it is said first, whether the row is there or not. The {@code _IGNORE} kinds change the
     * other columns only.
     */
    IMMUTABLE(13);

    private static final RowErrorCode[] ALL = values();

    private final int code;

    RowErrorCode(int code) {
        this.code = code;
    }

    /** As it stands on disk; never given to another error. */
    public int code() {
        return code;
    }

    /** Whether there is an error that stands on disk as {@code code}. */
    public static boolean isCode(int code) {
        for (RowErrorCode each : ALL) {
            if (each.code == code) {
                return true;
            }
        }
        return false;
    }

    /** The error that stands on disk as {@code code}. */
    public static RowErrorCode ofCode(int code) {
        for (RowErrorCode each : ALL) {
            if (each.code == code) {
                return each;
            }
        }
        throw new IllegalArgumentException("there is no row error " + code);
    }
}
