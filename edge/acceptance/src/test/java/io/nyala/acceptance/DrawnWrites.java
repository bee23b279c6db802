package io.nyala.acceptance;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Operation;
import org.apache.kudu.client.OperationResponse;
import org.apache.kudu.client.PartialRow;
import org.apache.kudu.client.RowError;
import org.apache.kudu.client.SessionConfiguration;
import org.jspecify.annotations.Nullable;

/** Some operations that a client flushes together. Immutable. */
final class DrawnWrites {
    private final List<Row> rows;

    /** What can be done to a row. */
    private enum Kind {
        INSERT,
        UPDATE,
        UPSERT,
        DELETE,
        INSERT_IGNORE,
        UPDATE_IGNORE,
        DELETE_IGNORE,
        UPSERT_IGNORE;

        Operation operation(KuduTable table) {
            return switch (this) {
                case INSERT -> table.newInsert();
                case UPDATE -> table.newUpdate();
                case UPSERT -> table.newUpsert();
                case DELETE -> table.newDelete();
                case INSERT_IGNORE -> table.newInsertIgnore();
                case UPDATE_IGNORE -> table.newUpdateIgnore();
                case DELETE_IGNORE -> table.newDeleteIgnore();
                case UPSERT_IGNORE -> table.newUpsertIgnore();
            };
        }

        boolean mayUpdate() {
            return this == UPDATE || this == UPSERT || this == UPDATE_IGNORE || this == UPSERT_IGNORE;
        }

        boolean isDelete() {
            return this == DELETE || this == DELETE_IGNORE;
        }
    }

    /** An operation; a cell that stands here with null is NULL. */
    private record Row(Kind kind, Map<String, @Nullable Object> cells) {}

    private DrawnWrites(List<Row> rows) {
        this.rows = rows;
    }

    static DrawnWrites draw(DrawnTable table, SplittableRandom random) {
        List<Row> rows = new ArrayList<>();
        int count = 1 + random.nextInt(random.nextInt(4) == 0 ? 60 : 12);
        for (int i = 0; i < count; i++) {
            Row row = row(table, random);
            String key = key(table, row);
            if (table.admits(key)) {
                rows.add(row);
            }
            if (row.kind().isDelete()) {
                table.noteDeleted(key);
            }
        }
        return new DrawnWrites(rows);
    }

    private static String key(DrawnTable table, Row row) {
        StringBuilder key = new StringBuilder();
        for (ColumnSchema column : table.columns().subList(0, table.keyColumns())) {
            Object value = row.cells().get(column.getName());
            key.append(value instanceof byte[] bytes ? HexFormat.of().formatHex(bytes) : value)
                    .append('|');
        }
        return key.toString();
    }

    private static Row row(DrawnTable table, SplittableRandom random) {
        Kind kind = random.nextInt(3) == 0 ? Kind.UPSERT : Kind.values()[random.nextInt(Kind.values().length)];
        Map<String, @Nullable Object> cells = new TreeMap<>();
        for (int i = 0; i < table.columns().size(); i++) {
            ColumnSchema column = table.columns().get(i);
            boolean isKey = i < table.keyColumns();
            boolean isSeldom = column.isImmutable() && kind.mayUpdate();
            if (isKey || (!kind.isDelete() && random.nextInt(4) > (isSeldom ? 2 : 0))) {
                boolean isNull = !isKey && column.isNullable() && random.nextInt(4) == 0;
                cells.put(column.getName(), isNull ? null : Values.draw(column, random));
            }
        }
        return new Row(kind, cells);
    }

    /** Writes them; answers which were refused and why. */
    String run(KuduClient client, KuduTable table) throws KuduException {
        IdentityHashMap<Operation, Integer> indexes = new IdentityHashMap<>();
        KuduSession session = client.newSession();
        session.setFlushMode(SessionConfiguration.FlushMode.MANUAL_FLUSH);
        for (int i = 0; i < rows.size(); i++) {
            Operation operation = rows.get(i).kind().operation(table);
            PartialRow row = operation.getRow();
            rows.get(i).cells().forEach((name, value) -> put(row, name, value));
            indexes.put(operation, i);
            session.apply(operation);
        }
        Map<Integer, String> errors = new TreeMap<>();
        for (OperationResponse response : session.flush()) {
            RowError error = response.getRowError();
            if (error != null) {
                errors.put(indexes.get(error.getOperation()), ClusterRun.failure(error.getErrorStatus()));
            }
        }
        session.close();
        return rows.size() + " operations, refused: " + errors;
    }

    private static void put(PartialRow row, String name, @Nullable Object value) {
        if (value == null) {
            row.setNull(name);
        } else {
            row.addObject(name, value);
        }
    }

    @Override
    public String toString() {
        return rows.toString();
    }
}
