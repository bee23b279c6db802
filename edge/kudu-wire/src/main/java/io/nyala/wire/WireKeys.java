package io.nyala.wire;

import com.google.protobuf.ByteString;
import io.nyala.protocol.Common.OrderMode;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.SplitKeyRangeRequestPB;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Limits;
import io.nyala.rows.Schema;
import io.nyala.wire.WireException.Fault;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Encoded keys of scans. Kudu's encoding is the engine's: bounds are compared as unsigned bytes, and may be the
 * beginning of a key. Stateless.
 */
public final class WireKeys {
    private WireKeys() {}

    /**
     * The keys that a scan asks for: between its bounds, and, if it is in key order, behind the last row that a broken
     * scan has answered.
     */
    public static KeyRange toKeyRange(NewScanRequestPB request) {
        byte[] lower = bound("start", request.getStartPrimaryKey());
        byte[] upper = bound("stop", request.getStopPrimaryKey());
        byte[] last = bound("last", request.getLastPrimaryKey());
        KeyRange range = new KeyRange(lower, upper);
        return last == null || request.getOrderMode() != OrderMode.ORDERED
                ? range
                : range.and(new KeyRange(Arrays.copyOf(last, last.length + 1), null));
    }

    private static byte @Nullable [] bound(String what, ByteString key) {
        // Strings and what separates them from the next column: no more than twice what a key has.
        if (key.size() > 2 * Limits.KEY_BYTES_MAX) {
            throw new WireException(
                    Fault.SCAN_SPEC,
                    "Invalid scan " + what + " key: " + key.size() + " bytes, a key has at most "
                            + Limits.KEY_BYTES_MAX);
        }
        return key.isEmpty() ? null : key.toByteArray();
    }

    /** The keys that a tablet is asked to divide. */
    public static KeyRange toKeyRange(SplitKeyRangeRequestPB request) {
        KeyRange range =
                new KeyRange(bound("start", request.getStartPrimaryKey()), bound("stop", request.getStopPrimaryKey()));
        if (range.isEmpty()) {
            throw new WireException(Fault.ARGUMENT, "Invalid primary key range");
        }
        return range;
    }

    /**
     * The least key that is not below the beginning of one, and has all columns: clients take bounds of scans apart,
     * which the engine need not.
     */
    public static ByteString wholeKey(Schema schema, byte[] beginning) {
        ByteString.Output key = ByteString.newOutput(beginning.length + 2 * Long.BYTES);
        int at = 0;
        for (int i = 0; i < schema.keyColumnCount(); i++) {
            ColumnType type = schema.column(i).type();
            boolean isLast = i == schema.keyColumnCount() - 1;
            int end = !type.isVariable()
                    ? at + type.cellBytes()
                    : isLast ? Math.max(at, beginning.length) : endOfText(beginning, at);
            for (; at < end; at++) {
                key.write(at < beginning.length ? beginning[at] : 0);
            }
        }
        return key.toByteString();
    }

    /** Behind the two zeros that end it, which may lie behind the beginning; a zero within it is followed by a one. */
    private static int endOfText(byte[] beginning, int start) {
        int at = start;
        while (at < beginning.length) {
            boolean isEscaped = beginning[at] == 0 && at + 1 < beginning.length && beginning[at + 1] != 0;
            if (beginning[at] == 0 && !isEscaped) {
                break;
            }
            at += isEscaped ? 2 : 1;
        }
        return at + 2;
    }

    /** The key of the last row of a batch, from which a scan in key order can be taken up again. */
    public static ByteString lastKey(ColumnBatch batch, int rowCount) {
        assert rowCount > 0 && rowCount <= batch.rowCount() : rowCount + " of " + batch.rowCount();
        ColumnVector keys = batch.keys();
        return ByteString.copyFrom(keys.bytes()
                .asSlice(keys.variableOffset(rowCount - 1), keys.variableBytes(rowCount - 1))
                .asByteBuffer());
    }
}
