package io.nyala.tablet;

import io.nyala.memrowset.MemRowSet;
import io.nyala.rows.CellEquality;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Finds out what will become of each operation of a batch, and changes nothing: for batches that have conditions, or
 * are atomic. What an operation finds is the row as memory and files have it, after what those before it in the batch
 * will have done to it:
 *
 * <pre>{@code
 *   operation   1 UPSERT a      2 INSERT b     3 UPDATE a, only if   4 DELETE a      5 INSERT a
 *   before it   row of memory <----------------- 1 <-------------------- 3 <------------- 4
 * }</pre>
 *
 * <p>The value of a column is that of the last operation before which sets it, or inserted the row; else the newest in
 * memory; else what the files say, which the probe has asked.
 *
 * <p>Belongs to the writer's thread; reused, allocates nothing once its arrays are large enough.
 */
final class Judgement {
    // What an operation will do.
    private static final byte NOTHING = 0;
    private static final byte INSERTS = 1;
    private static final byte UPDATES = 2;
    private static final byte DELETES = 3;

    // Who set the value that a condition looks at: an operation, or
    private static final int NOBODY = -1;
    private static final int NOT_LOOKED = -2;

    private final Tablet tablet;
    private final RowLayout layout;

    // By operation.
    private byte[] deeds = {};
    private boolean[] isLiveAfter = {};
    private @Nullable RowErrorCode[] errors = {};

    // By condition.
    private int[] setters = {};

    Judgement(Tablet tablet, RowLayout layout) {
        this.tablet = tablet;
        this.layout = layout;
    }

    /** Judges all operations, whose homes are located; answers whether none of them is an error. */
    boolean run(TabletWrite write) {
        ensure(write.operationCount(), write.conditions.count());
        MemorySegment source = write.operations().memory();
        boolean isAllRight = true;
        for (int i = 0; i < write.operationCount(); i++) {
            OperationKind kind = OperationFormat.kind(source, write.operationOffset(i));
            boolean isLive = isLiveBefore(write, i);
            RowErrorCode error = error(write, i, kind, isLive);
            byte deed = error == null ? deed(kind, isLive) : NOTHING;
            errors[i] = error;
            deeds[i] = deed;
            isLiveAfter[i] = deed == NOTHING ? isLive : deed != DELETES;
            isAllRight &= error == null;
        }
        return isAllRight;
    }

    private void ensure(int operationCount, int conditionCount) {
        if (operationCount > deeds.length) {
            int larger = Math.max(operationCount, 2 * deeds.length);
            deeds = new byte[larger];
            isLiveAfter = new boolean[larger];
            errors = new RowErrorCode[larger];
        }
        if (conditionCount > setters.length) {
            setters = new int[Math.max(conditionCount, 2 * setters.length)];
        }
        Arrays.fill(setters, 0, conditionCount, NOT_LOOKED);
    }

    /** Why an operation that was judged cannot be done; null if it can. */
    @Nullable
    RowErrorCode error(int operation) {
        return errors[operation];
    }

    private boolean isLiveBefore(TabletWrite write, int index) {
        int previous = write.probe.previous(index);
        return previous >= 0
                ? isLiveAfter[previous]
                : liveRow(write, index) != 0 || Decision.liveHome(write, index) != null;
    }

    /** The row in the active MemRowSet, if there is a live one; else 0. */
    private long liveRow(TabletWrite write, int index) {
        MemRowSet active = tablet.map().active().rows();
        MemorySegment source = write.operations().memory();
        long operation = write.operationOffset(index);
        int keyBytes = OperationFormat.keyBytes(source, operation);
        long row = active.find(source, OperationFormat.keyOffset(source, operation), keyBytes);
        return row != 0 && active.isLive(row) ? row : 0;
    }

    private @Nullable RowErrorCode error(TabletWrite write, int index, OperationKind kind, boolean isLive) {
        return switch (kind) {
            case INSERT -> isLive ? RowErrorCode.ALREADY_PRESENT : null;
            case INSERT_IGNORE -> null;
            case UPDATE -> {
                if (setsImmutable(write, index)) {
                    yield RowErrorCode.IMMUTABLE;
                }
                yield isLive ? conditionError(write, index) : RowErrorCode.NOT_FOUND;
            }
            case DELETE -> isLive ? conditionError(write, index) : RowErrorCode.NOT_FOUND;
            case UPDATE_IGNORE, DELETE_IGNORE -> isLive ? conditionError(write, index) : null;
            case UPSERT, UPSERT_IGNORE -> {
                if (isLive && kind == OperationKind.UPSERT && setsImmutable(write, index)) {
                    yield RowErrorCode.IMMUTABLE;
                }
                boolean isConditional = write.conditions.first(index) < write.conditions.first(index + 1);
                yield isLive || !isConditional ? conditionError(write, index) : RowErrorCode.CONDITION_NOT_MET;
            }
        };
    }

    private boolean setsImmutable(TabletWrite write, int index) {
        return OperationFormat.setsImmutable(write.operations().memory(), write.operationOffset(index), layout);
    }

    private static byte deed(OperationKind kind, boolean isLive) {
        return switch (kind) {
            case INSERT, INSERT_IGNORE -> isLive ? NOTHING : INSERTS;
            case UPSERT, UPSERT_IGNORE -> isLive ? UPDATES : INSERTS;
            case UPDATE, UPDATE_IGNORE -> isLive ? UPDATES : NOTHING;
            case DELETE, DELETE_IGNORE -> isLive ? DELETES : NOTHING;
        };
    }

    private @Nullable RowErrorCode conditionError(TabletWrite write, int index) {
        BatchConditions conditions = write.conditions;
        for (int i = conditions.first(index); i < conditions.first(index + 1); i++) {
            if (!isMet(write, index, i)) {
                return RowErrorCode.CONDITION_NOT_MET;
            }
        }
        return null;
    }

    private boolean isMet(TabletWrite write, int index, int condition) {
        MemorySegment source = write.operations().memory();
        int column = write.conditions.column(condition);
        long cell = write.conditions.cell(condition);
        int setter = setter(write, index, column);
        setters[condition] = setter;
        if (setter != NOBODY) {
            long row = OperationFormat.rowOffset(source, write.operationOffset(setter));
            return CellEquality.ofRow(layout, source, row, column, source, cell);
        }
        long row = liveRow(write, index);
        if (row != 0) {
            return tablet.map().active().rows().isEqual(row, column, source, cell);
        }
        RowHome home = Objects.requireNonNull(Decision.liveHome(write, index), "a live row without a home");
        return switch (home.test(write.place(index), layout, column, source, cell)) {
            case MET -> true;
            case NOT_MET -> false;
            case UNKNOWN -> write.conditions.isMetByFiles(condition);
        };
    }

    /**
     * The last operation before this one that gave the column of its row a value. The way back is long where one row is
     * changed very often; but what an earlier condition on the same column has found on it is known.
     */
    private int setter(TabletWrite write, int index, int column) {
        MemorySegment source = write.operations().memory();
        for (int at = write.probe.previous(index); at >= 0; at = write.probe.previous(at)) {
            assert deeds[at] != DELETES : "a condition on a row that is deleted by operation " + at;
            boolean isSet = OperationFormat.isSet(source, write.operationOffset(at), column);
            if (deeds[at] == INSERTS || (deeds[at] == UPDATES && isSet && !layout.isImmutable(column))) {
                return at;
            }
            int known = knownSetter(write.conditions, at, column);
            if (known != NOT_LOOKED) {
                return known;
            }
        }
        return NOBODY;
    }

    private int knownSetter(BatchConditions conditions, int operation, int column) {
        for (int i = conditions.first(operation); i < conditions.first(operation + 1); i++) {
            if (conditions.column(i) == column && setters[i] != NOT_LOOKED) {
                return setters[i];
            }
        }
        return NOT_LOOKED;
    }
}
