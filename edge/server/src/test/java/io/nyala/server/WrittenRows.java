package io.nyala.server;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.nyala.caller.WireClient;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What must be in a table of a number and a text, by requests to write and the answers to them; read by hand, byte by
 * byte, and without any of the server's own code. One thread.
 */
final class WrittenRows {
    /** Those that write. */
    static final List<RowOperationsPB.Type> KINDS = List.of(
            RowOperationsPB.Type.INSERT,
            RowOperationsPB.Type.UPSERT,
            RowOperationsPB.Type.UPDATE,
            RowOperationsPB.Type.DELETE,
            RowOperationsPB.Type.INSERT_IGNORE,
            RowOperationsPB.Type.UPSERT_IGNORE,
            RowOperationsPB.Type.UPDATE_IGNORE,
            RowOperationsPB.Type.DELETE_IGNORE);

    private static final String NULL = "NULL";

    private final Map<Integer, String> rows = new HashMap<>();

    int count() {
        return rows.size();
    }

    /** Each as text, in order. */
    List<String> all() {
        List<String> all = new ArrayList<>();
        rows.forEach((k, v) -> all.add(k + " " + v));
        all.sort(null);
        return all;
    }

    /** Does what an answered request has done. Nothing in it is looked at but what says what is to be written. */
    void add(byte[] request, WriteResponsePB answer) throws IOException {
        UnknownFieldSet fields = UnknownFieldSet.parseFrom(request);
        List<ByteString> operations =
                fields.getField(WriteRequestPB.ROW_OPERATIONS_FIELD_NUMBER).getLengthDelimitedList();
        UnknownFieldSet data = UnknownFieldSet.parseFrom(ByteString.copyFrom(operations)); // Of several, their union.
        add(
                SchemaPB.parseFrom(last(fields, WriteRequestPB.SCHEMA_FIELD_NUMBER)),
                last(data, RowOperationsPB.ROWS_FIELD_NUMBER),
                last(data, RowOperationsPB.INDIRECT_DATA_FIELD_NUMBER),
                answer);
    }

    private static ByteString last(UnknownFieldSet fields, int number) {
        List<ByteString> values = fields.getField(number).getLengthDelimitedList();
        return values.isEmpty() ? ByteString.EMPTY : values.getLast();
    }

    private void add(SchemaPB view, ByteString operations, ByteString indirect, WriteResponsePB answer) {
        Set<Integer> errors = new HashSet<>();
        answer.getPerRowErrorsList().forEach(error -> errors.add(error.getRowIndex()));
        List<ColumnSchemaPB> columns = view.getColumnsList();
        ByteBuffer in = operations.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        boolean hasNullable = columns.stream().anyMatch(ColumnSchemaPB::getIsNullable);
        for (int row = 0; in.hasRemaining(); row++) {
            RowOperationsPB.Type type = RowOperationsPB.Type.forNumber(in.get() & 0xff);
            int isSet = in.get();
            int isNull = hasNullable ? in.get() : 0;
            Integer k = null;
            String v = null;
            for (int i = 0; i < columns.size(); i++) {
                if ((isSet >> i & 1) == 0) {
                    continue;
                }
                boolean isText = columns.get(i).getName().equals("v");
                if ((isNull >> i & 1) != 0 && isText) {
                    v = NULL;
                } else if (isText) {
                    v = text(indirect, in.getLong(), in.getLong());
                } else {
                    k = in.getInt();
                }
            }
            if (!errors.contains(row)) {
                apply(type, k, v);
            }
        }
    }

    private void apply(RowOperationsPB.@Nullable Type type, @Nullable Integer k, @Nullable String v) {
        if (type == null || k == null) {
            throw new AssertionError("an operation " + type + " of key " + k + " was done");
        }
        switch (type) {
            case INSERT, INSERT_IGNORE -> rows.putIfAbsent(k, v == null ? NULL : v);
            case UPSERT, UPSERT_IGNORE -> rows.merge(k, v == null ? NULL : v, (old, _) -> v == null ? old : v);
            case UPDATE, UPDATE_IGNORE -> rows.computeIfPresent(k, (_, old) -> v == null ? old : v);
            case DELETE, DELETE_IGNORE -> rows.remove(k);
            default -> throw new AssertionError("an operation " + type + " was done");
        }
    }

    private static String text(ByteString indirect, long offset, long bytes) {
        return indirect.substring((int) offset, (int) (offset + bytes)).toString(StandardCharsets.ISO_8859_1);
    }

    /** The rows of an answer to a scan of both columns, each as text. */
    static List<String> of(WireClient.Reply reply) throws IOException {
        ScanResponsePB answer = reply.message(ScanResponsePB.parser());
        if (answer.hasError() || answer.getHasMoreResults()) {
            throw new AssertionError("an orderly scan: " + answer);
        }
        List<String> found = new ArrayList<>();
        int count = answer.getData().getNumRows();
        if (count == 0) {
            return found;
        }
        ByteBuffer in = reply.sidecar(answer.getData().getRowsSidecar()).order(ByteOrder.LITTLE_ENDIAN);
        ByteString indirect = answer.getData().hasIndirectDataSidecar()
                ? ByteString.copyFrom(reply.sidecar(answer.getData().getIndirectDataSidecar()))
                : ByteString.EMPTY;
        for (int i = 0; i < count; i++) {
            int k = in.getInt();
            long offset = in.getLong();
            long bytes = in.getLong();
            boolean isNull = (in.get() & 2) != 0;
            found.add(k + " " + (isNull ? NULL : text(indirect, offset, bytes)));
        }
        return found;
    }
}
