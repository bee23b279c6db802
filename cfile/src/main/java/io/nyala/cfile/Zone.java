package io.nyala.cfile;

import java.lang.foreign.MemorySegment;

/**
 * The smallest and largest value and the number of nulls of some rows, while a column is being written. Byte strings
 * are cut to 32 bytes; that they were is remembered.
 *
 * <p>For one thread. Works in memory of its owner.
 */
final class Zone {
    /** Of the two bounds together. */
    static final int MEMORY_BYTES = 64;

    /** Enough to tell keys with a common start apart, little beside a page. */
    static final int BOUND_BYTES_MAX = 32;

    static final int HAS_BOUNDS = 1;
    static final int MIN_CUT = 2;
    static final int MAX_CUT = 4;

    private final CellKind kind;
    private final MemorySegment memory;
    private final long min;
    private final long max;
    private int minBytes;
    private int maxBytes;
    private boolean minCut;
    private boolean maxCut;
    private boolean hasBounds;
    private boolean hasNan;
    private int nullCount;

    Zone(CellKind kind, MemorySegment memory, long offset) {
        this.kind = kind;
        this.memory = memory;
        this.min = offset;
        this.max = offset + BOUND_BYTES_MAX;
    }

    void clear() {
        hasBounds = false;
        hasNan = false;
        nullCount = 0;
    }

    int nullCount() {
        return nullCount;
    }

    /** Takes the bounds of staged rows. */
    void take(VectorStage stage) {
        clear();
        nullCount = stage.nullCount();
        if (nullCount == stage.rowCount()) {
            return;
        }
        switch (kind) {
            case INT8, INT16, INT32, INT64 -> takeIntegers(stage);
            case INT128, FLOAT, DOUBLE -> takeCells(stage);
            case BINARY -> takeStrings(stage);
        }
    }

    private void takeIntegers(VectorStage stage) {
        long least = Long.MAX_VALUE;
        long most = Long.MIN_VALUE;
        boolean hasNulls = nullCount > 0;
        for (int row = 0; row < stage.rowCount(); row++) {
            if (hasNulls && !stage.isValid(row)) {
                continue;
            }
            long value = stage.integer(row);
            least = Math.min(least, value);
            most = Math.max(most, value);
        }
        put(min, least);
        put(max, most);
        minBytes = kind.cellBytes();
        maxBytes = kind.cellBytes();
        hasBounds = true;
    }

    private void put(long at, long value) {
        switch (kind.cellBytes()) {
            case 1 -> memory.set(Cells.BYTE, at, (byte) value);
            case 2 -> memory.set(Cells.SHORT, at, (short) value);
            case 4 -> memory.set(Cells.INT, at, (int) value);
            default -> memory.set(Cells.LONG, at, value);
        }
    }

    private void takeCells(VectorStage stage) {
        int least = -1;
        int most = -1;
        MemorySegment values = stage.memory();
        for (int row = 0; row < stage.rowCount(); row++) {
            if (!stage.isValid(row)) {
                continue;
            }
            long cell = stage.cell(row);
            hasNan |= kind.isNan(values, cell);
            if (least < 0 || kind.compare(values, cell, values, stage.cell(least)) < 0) {
                least = row;
            }
            if (most < 0 || kind.compare(values, cell, values, stage.cell(most)) > 0) {
                most = row;
            }
        }
        MemorySegment.copy(values, stage.cell(least), memory, min, kind.cellBytes());
        MemorySegment.copy(values, stage.cell(most), memory, max, kind.cellBytes());
        minBytes = kind.cellBytes();
        maxBytes = kind.cellBytes();
        widenZeros();
        hasBounds = true;
    }

    /** The two zeros are equal to whoever compares, so a bound that is zero stands for both. */
    private void widenZeros() {
        if (kind == CellKind.FLOAT) {
            memory.set(Cells.FLOAT, min, memory.get(Cells.FLOAT, min) == 0 ? -0.0f : memory.get(Cells.FLOAT, min));
            memory.set(Cells.FLOAT, max, memory.get(Cells.FLOAT, max) == 0 ? 0.0f : memory.get(Cells.FLOAT, max));
        } else if (kind == CellKind.DOUBLE) {
            memory.set(Cells.DOUBLE, min, memory.get(Cells.DOUBLE, min) == 0 ? -0.0 : memory.get(Cells.DOUBLE, min));
            memory.set(Cells.DOUBLE, max, memory.get(Cells.DOUBLE, max) == 0 ? 0.0 : memory.get(Cells.DOUBLE, max));
        }
    }

    private void takeStrings(VectorStage stage) {
        int least = -1;
        int most = -1;
        MemorySegment strings = stage.strings();
        for (int row = 0; row < stage.rowCount(); row++) {
            if (!stage.isValid(row)) {
                continue;
            }
            if (least < 0 || compare(strings, stage, row, least) < 0) {
                least = row;
            }
            if (most < 0 || compare(strings, stage, row, most) > 0) {
                most = row;
            }
        }
        minBytes = Math.min(stage.stringBytes(least), BOUND_BYTES_MAX);
        minCut = stage.stringBytes(least) > BOUND_BYTES_MAX;
        MemorySegment.copy(strings, stage.stringStart(least), memory, min, minBytes);
        maxBytes = Math.min(stage.stringBytes(most), BOUND_BYTES_MAX);
        maxCut = stage.stringBytes(most) > BOUND_BYTES_MAX;
        MemorySegment.copy(strings, stage.stringStart(most), memory, max, maxBytes);
        hasBounds = true;
    }

    private static int compare(MemorySegment strings, VectorStage stage, int row, int other) {
        return Cells.compareBytes(
                strings,
                stage.stringStart(row),
                stage.stringBytes(row),
                strings,
                stage.stringStart(other),
                stage.stringBytes(other));
    }

    /** Widens this to what {@code other} has as well. */
    void add(Zone other) {
        nullCount += other.nullCount;
        hasNan |= other.hasNan;
        if (!other.hasBounds) {
            return;
        }
        int low = hasBounds ? other.compareBound(other.min, other.minBytes, this, min, minBytes) : -1;
        if (low < 0) {
            MemorySegment.copy(other.memory, other.min, memory, min, other.minBytes);
            minBytes = other.minBytes;
            minCut = other.minCut;
        } else if (low == 0) {
            minCut &= other.minCut; // One of them is no longer than the bound, which then is exact.
        }
        int high = hasBounds ? other.compareBound(other.max, other.maxBytes, this, max, maxBytes) : 1;
        if (high > 0) {
            MemorySegment.copy(other.memory, other.max, memory, max, other.maxBytes);
            maxBytes = other.maxBytes;
            maxCut = other.maxCut;
        } else if (high == 0) {
            maxCut |= other.maxCut;
        }
        hasBounds = true;
    }

    private int compareBound(long bound, int boundBytes, Zone other, long otherBound, int otherBytes) {
        return kind.isBinary()
                ? Cells.compareBytes(memory, bound, boundBytes, other.memory, otherBound, otherBytes)
                : kind.compare(memory, bound, other.memory, otherBound);
    }

    /**
     * Adds what {@link FooterFormat} keeps of a zone. Where there is a NaN there are no bounds: it has no place in the
     * order.
     */
    void writeTo(ByteSink target) {
        boolean bounded = hasBounds && !hasNan;
        int flags = !bounded
                ? 0
                : HAS_BOUNDS | (kind.isBinary() && minCut ? MIN_CUT : 0) | (kind.isBinary() && maxCut ? MAX_CUT : 0);
        target.putInt(nullCount);
        target.putByte(flags);
        target.putByte(bounded ? minBytes : 0);
        target.putByte(bounded ? maxBytes : 0);
        target.putByte(0);
        if (bounded) {
            target.put(memory, min, minBytes);
            target.put(memory, max, maxBytes);
            target.pad8();
        }
    }
}
