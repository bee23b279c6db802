package io.nyala.engine;

import static io.nyala.rows.OperationKind.INSERT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.record.RequestName;
import io.nyala.rows.RowError;
import java.util.ArrayList;
import java.util.List;

/**
 * Commits under names, of rows of {@link Numbers}: each inserts some new ids, and one that is there, so that an answer
 * has an error, and a request that takes effect twice has another answer. Stateless.
 */
final class Requests {
    /** Is there before all requests. */
    static final long PRESENT = 1_000_000;

    private Requests() {}

    /** The table of a host, with the row that all requests find. */
    static Table create(OneTable one) {
        Table table = one.create();
        Numbers.insertRange(table, PRESENT, PRESENT + 1);
        return table;
    }

    static RequestName name(long client, long sequence) {
        return new RequestName(client, 77, sequence, 0);
    }

    /** What was answered to a request of these ids, of which the {@link #PRESENT} one comes second. */
    record Answer(long timestamp, List<Integer> errors) {
        static Answer of(CommitResult result) {
            return new Answer(
                    result.timestamp(),
                    result.errors().stream().map(RowError::operationIndex).toList());
        }

        void assertIsOfFirst() {
            assertEquals(List.of(1), errors, "only the row that was there before");
        }
    }

    /** Commits a request that inserts {@code id}, the row that is there, and {@code id + 1}. */
    static Answer commit(Table table, RequestName name, long id) {
        try (WriteBatch batch = table.newBatch()) {
            return commit(batch, name, id);
        }
    }

    /** Commits a request that inserts these ids. */
    static Answer insert(Table table, RequestName name, long... ids) {
        try (WriteBatch batch = table.newBatch()) {
            Numbers.fill(batch, ids);
            return Answer.of(batch.request(name).commit());
        }
    }

    static Answer commit(WriteBatch batch, RequestName name, long id) {
        fill(batch, id);
        return Answer.of(batch.request(name).commit());
    }

    static void fill(WriteBatch batch, long id) {
        Numbers.fill(batch, id, PRESENT, id + 1);
    }

    /** As {@link #commit}, of a table that may have more columns by now. */
    static Answer commitIds(Table table, RequestName name, long id) {
        try (WriteBatch batch = table.newBatch()) {
            for (long each : new long[] {id, PRESENT, id + 1}) {
                batch.rows().start(INSERT).setLong(0, each).end();
            }
            return Answer.of(batch.request(name).commit());
        }
    }

    /** Requests of a few clients, with what was answered. */
    static final class Known {
        private final List<RequestName> names = new ArrayList<>();
        private final List<Answer> answers = new ArrayList<>();

        /** Makes so many new requests. */
        void add(Table table, int count) {
            for (int i = 0; i < count; i++) {
                int number = names.size();
                RequestName name = name(1 + number % 3, number);
                Answer answer = commit(table, name, 10L * number);
                answer.assertIsOfFirst();
                names.add(name);
                answers.add(answer);
            }
        }

        /** Repeats all of them. */
        void assertRepeated(Table table) {
            for (int i = 0; i < names.size(); i++) {
                assertEquals(answers.get(i), commit(table, names.get(i), 10L * i), names.get(i)::toString);
            }
        }
    }
}
