package io.nyala.server;

import com.google.protobuf.ByteString;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.DataType;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Operations as the record of a Kudu server names them: {@code 1 {'k3': 7, 'i8': None}}. Immutable. */
final class CapturedRows {
    private static final Pattern CELL = Pattern.compile("'(\\w+)': (None|-?[0-9]+|b'[^']*')");

    /** In the record, a value that is too large is cut to this. */
    private static final String LARGE = "xxxxxxxx";

    private static final int LARGE_BYTES = 70_000;

    private final SchemaPB schema;

    /** @param schema without ids, as a client has it */
    CapturedRows(SchemaPB schema) {
        this.schema = schema;
    }

    SchemaPB schema() {
        return schema;
    }

    String[] names() {
        return schema.getColumnsList().stream().map(ColumnSchemaPB::getName).toArray(String[]::new);
    }

    List<ColumnSchemaPB> projection(String... names) {
        return Stream.of(names)
                .map(name -> schema.getColumnsList().stream()
                        .filter(column -> column.getName().equals(name))
                        .findFirst()
                        .orElseThrow())
                .toList();
    }

    /** One of the row whose key begins with (-5, "a\0b"). */
    RowOperationsPB operation(String recorded) {
        Map<String, byte @Nullable []> cells = new HashMap<>();
        cells.put("k1", little(-5, Integer.BYTES));
        cells.put("k2", "a\0b".getBytes(StandardCharsets.UTF_8));
        Matcher cell = CELL.matcher(recorded);
        while (cell.find()) {
            cells.put(cell.group(1), cell(cell.group(1), cell.group(2)));
        }
        int bitmapBytes = (schema.getColumnsCount() + 7) / 8;
        byte[] isSet = new byte[bitmapBytes];
        byte[] isNull = new byte[bitmapBytes];
        var data = new ByteArrayOutputStream();
        var indirect = new ByteArrayOutputStream();
        for (int i = 0; i < schema.getColumnsCount(); i++) {
            ColumnSchemaPB column = schema.getColumns(i);
            if (cells.containsKey(column.getName())) {
                isSet[i / 8] |= (byte) (1 << i % 8);
                byte @Nullable [] value = cells.get(column.getName());
                if (value == null) {
                    isNull[i / 8] |= (byte) (1 << i % 8);
                } else if (isVariable(column)) {
                    data.writeBytes(little(indirect.size(), Long.BYTES));
                    data.writeBytes(little(value.length, Long.BYTES));
                    indirect.writeBytes(value);
                } else {
                    data.writeBytes(value);
                }
            }
        }
        var all = new ByteArrayOutputStream();
        all.write(Integer.parseInt(recorded.substring(0, recorded.indexOf(' '))));
        all.writeBytes(isSet);
        all.writeBytes(isNull);
        all.writeBytes(data.toByteArray());
        return RowOperationsPB.newBuilder()
                .setRows(ByteString.copyFrom(all.toByteArray()))
                .setIndirectData(ByteString.copyFrom(indirect.toByteArray()))
                .build();
    }

    private static boolean isVariable(ColumnSchemaPB column) {
        return column.getType() == DataType.STRING || column.getType() == DataType.BINARY;
    }

    private byte @Nullable [] cell(String name, String text) {
        if (text.equals("None")) {
            return null;
        }
        if (text.startsWith("b'")) {
            String value = text.substring(2, text.length() - 1);
            return value.equals(LARGE)
                    ? LARGE.repeat(LARGE_BYTES / LARGE.length()).getBytes(StandardCharsets.US_ASCII)
                    : bytes(value);
        }
        int bytes =
                switch (projection(name).getFirst().getType()) {
                    case INT8 -> Byte.BYTES;
                    case INT32 -> Integer.BYTES;
                    case INT64 -> Long.BYTES;
                    default -> throw new AssertionError("the record has no such cell: " + name);
                };
        return little(Long.parseLong(text), bytes);
    }

    /** {@code \x01\x02}. */
    private static byte[] bytes(String escaped) {
        return ByteString.fromHex(escaped.replace("\\x", "")).toByteArray();
    }

    private static byte[] little(long value, int bytes) {
        byte[] all = ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
        return Arrays.copyOf(all, bytes);
    }
}
