package io.nyala.cfile;

import io.nyala.rows.ColumnType;
import java.lang.foreign.MemorySegment;

/**
 * What the cells of a column physically are: how wide, and in which order. What they mean (a date, a decimal) the
 * container does not know. The id is on disk and never changes its meaning; 0 is none. Immutable.
 */
public enum CellKind {
    /** Signed; booleans as 0 and 1. */
    INT8(1, 1),
    INT16(2, 2),
    INT32(3, 4),
    INT64(4, 8),
    /** Two's complement, the low 8 bytes first. */
    INT128(5, 16),
    FLOAT(6, 4),
    DOUBLE(7, 8),
    /** Byte strings, in the order of their unsigned bytes. */
    BINARY(8, 0);

    private static final CellKind[] ALL = values();

    private final int id;
    private final int cellBytes;

    CellKind(int id, int cellBytes) {
        this.id = id;
        this.cellBytes = cellBytes;
    }

    static {
        for (int i = 0; i < ALL.length; i++) {
            if (ALL[i].id != i + 1) {
                throw new AssertionError("ids are dense from 1, which of(id) relies on");
            }
        }
    }

    /** How the cells of a column of this type are stored. */
    public static CellKind of(ColumnType type) {
        return switch (type) {
            case BOOL, INT8 -> INT8;
            case INT16 -> INT16;
            case INT32, DECIMAL32, DATE -> INT32;
            case INT64, DECIMAL64, UNIXTIME_MICROS -> INT64;
            case DECIMAL128 -> INT128;
            case FLOAT -> FLOAT;
            case DOUBLE -> DOUBLE;
            case STRING, BINARY, VARCHAR -> BINARY;
        };
    }

    int id() {
        return id;
    }

    /** Bytes of one cell, or 0 for byte strings. */
    public int cellBytes() {
        return cellBytes;
    }

    public boolean isBinary() {
        return this == BINARY;
    }

    /** Whether cells are integers of up to 8 bytes. */
    boolean isInteger() {
        return switch (this) {
            case INT8, INT16, INT32, INT64 -> true;
            case INT128, FLOAT, DOUBLE, BINARY -> false;
        };
    }

    static boolean isKnown(int id) {
        return id >= 1 && id <= ALL.length;
    }

    static CellKind of(int id) {
        return ALL[id - 1];
    }

    /** The cell of an integer of up to 8 bytes, or the bits of a floating point number. */
    long integer(MemorySegment memory, long offset) {
        return switch (cellBytes) {
            case 1 -> memory.get(Cells.BYTE, offset);
            case 2 -> memory.get(Cells.SHORT, offset);
            case 4 -> memory.get(Cells.INT, offset);
            default -> memory.get(Cells.LONG, offset);
        };
    }

    /** Compares two fixed cells. Of floating point, NaN is the largest and -0.0 below 0.0, as the JDK has it. */
    int compare(MemorySegment left, long leftOffset, MemorySegment right, long rightOffset) {
        return switch (this) {
            case INT8 -> Byte.compare(left.get(Cells.BYTE, leftOffset), right.get(Cells.BYTE, rightOffset));
            case INT16 -> Short.compare(left.get(Cells.SHORT, leftOffset), right.get(Cells.SHORT, rightOffset));
            case INT32 -> Integer.compare(left.get(Cells.INT, leftOffset), right.get(Cells.INT, rightOffset));
            case INT64 -> Long.compare(left.get(Cells.LONG, leftOffset), right.get(Cells.LONG, rightOffset));
            case INT128 -> {
                int high = Long.compare(left.get(Cells.LONG, leftOffset + 8), right.get(Cells.LONG, rightOffset + 8));
                yield high != 0
                        ? high
                        : Long.compareUnsigned(left.get(Cells.LONG, leftOffset), right.get(Cells.LONG, rightOffset));
            }
            case FLOAT -> Float.compare(left.get(Cells.FLOAT, leftOffset), right.get(Cells.FLOAT, rightOffset));
            case DOUBLE -> Double.compare(left.get(Cells.DOUBLE, leftOffset), right.get(Cells.DOUBLE, rightOffset));
            case BINARY -> throw new AssertionError("byte strings are no fixed cells");
        };
    }

    /** Whether the cell is a floating point number that is none. */
    boolean isNan(MemorySegment memory, long offset) {
        return switch (this) {
            case FLOAT -> Float.isNaN(memory.get(Cells.FLOAT, offset));
            case DOUBLE -> Double.isNaN(memory.get(Cells.DOUBLE, offset));
            case INT8, INT16, INT32, INT64, INT128, BINARY -> false;
        };
    }
}
