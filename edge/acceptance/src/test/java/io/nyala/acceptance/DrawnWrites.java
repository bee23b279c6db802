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
import org.apache.kudu.client.SessionConfiguration.FlushMode;
import org.jspecify.annotations.Nullable;

/** Some operations that a client flushes together. Immutable. */
final class DrawnWrites {
    private final List<Row> rows;
    private final How how;

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

    /**
     * How a session sends them.
     *
     * @param space how many it takes before they must be flushed
     * @param ignoresDuplicates whether it keeps quiet about rows that are there, and so with those that are not
     */
    private record How(FlushMode mode, int space, boolean ignoresDuplicates, boolean ignoresMissing) {
        /** By itself it sends nothing: two requests under way at once may come in any order. */
        private static final int NEVER_MILLIS = 3_600_000;

        private static final List<FlushMode> MODES = List.of(FlushMode.values());

        static How draw(SplittableRandom random) {
            FlushMode mode = MODES.get(random.nextInt(MODES.size()));
            boolean isShort = mode == FlushMode.MANUAL_FLUSH && random.nextInt(6) == 0;
            return new How(
                    random.nextInt(3) > 0 ? FlushMode.MANUAL_FLUSH : mode,
                    isShort ? 3 : 1_000,
                    random.nextInt(6) == 0,
                    random.nextInt(6) == 0);
        }

        KuduSession session(KuduClient client) {
            KuduSession session = client.newSession();
            session.setFlushMode(mode);
            session.setFlushInterval(NEVER_MILLIS);
            session.setMutationBufferSpace(space);
            session.setIgnoreAllDuplicateRows(ignoresDuplicates);
            session.setIgnoreAllNotFoundRows(ignoresMissing);
            return session;
        }
    }

    private DrawnWrites(List<Row> rows, How how) {
        this.rows = rows;
        this.how = how;
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
        return new DrawnWrites(rows, How.draw(random));
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

    /** Writes them; answers which were refused and why, and what the servers counted. */
    String run(KuduClient client, KuduTable table) throws KuduException {
        try (Sending sending = start(client, table)) {
            while (sending.applyNext()) {
                // All of them.
            }
            sending.flush();
            return sending.end();
        }
    }

    /** A session for them that has none yet. */
    Sending start(KuduClient client, KuduTable table) {
        return new Sending(client, table);
    }

    int count() {
        return rows.size();
    }

    /** The operations on their way, one by one. One thread. */
    final class Sending implements AutoCloseable {
        private final KuduSession session;
        private final KuduTable table;
        private final IdentityHashMap<Operation, Integer> indexes = new IdentityHashMap<>();
        private final Map<Integer, String> errors = new TreeMap<>();
        private int next;

        private Sending(KuduClient client, KuduTable table) {
            this.session = how.session(client);
            this.table = table;
        }

        /** Hands the next one to the session; false if there is none. */
        boolean applyNext() throws KuduException {
            if (next == rows.size()) {
                return false;
            }
            int index = next++;
            Operation operation = rows.get(index).kind().operation(table);
            PartialRow row = operation.getRow();
            rows.get(index).cells().forEach((name, value) -> put(row, name, value));
            indexes.put(operation, index);
            try {
                note(session.apply(operation));
            } catch (KuduException e) { // There is no room for it; then it stays out, and there is.
                errors.put(index, "not taken: " + ClusterRun.failure(e.getStatus()));
                flush();
            }
            return true;
        }

        void flush() throws KuduException {
            session.flush().forEach(this::note);
        }

        /** Closes the session, which sends what it still has; answers what became of all. */
        String end() throws KuduException {
            session.close().forEach(this::note);
            for (RowError error : session.getPendingErrors().getRowErrors()) {
                note(error);
            }
            return rows.size() + " operations, refused: " + errors + " counted: "
                    + new TreeMap<>(session.getWriteOpMetrics().get());
        }

        /** Where it did not come to its end: what it still has would wait for its client to close, and fail. */
        @Override
        public void close() throws KuduException {
            if (!session.isClosed()) {
                session.close();
            }
        }

        private void note(@Nullable OperationResponse response) {
            if (response != null && response.hasRowError()) {
                note(response.getRowError());
            }
        }

        private void note(RowError error) {
            errors.put(indexes.get(error.getOperation()), ClusterRun.failure(error.getErrorStatus()));
        }
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
        return how + " " + rows;
    }
}
