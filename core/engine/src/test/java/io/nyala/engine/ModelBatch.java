package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.simulation.Bytes;
import io.nyala.table.BatchParts;
import io.nyala.tablet.TabletWrite;
import io.nyala.wal.Durability;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A batch of operations on a table: filled, handed over, on its way to its tablets, answered. */
final class ModelBatch {
    /** With a cell longer than this, or more operations than this, a batch may be too large for a small log. */
    private static final int LARGE_CELL_BYTES = 4096;

    private static final int LARGE_OPERATIONS = 200;

    private final ModelDriver driver;
    private final Schema schema;
    private final List<ModelOperation> operations;
    private final Durability durability;
    private final boolean isAtomic;
    private final ModelRequests.@Nullable Request request;
    private final WriteBatch batch;
    private final Map<Long, Integer> indexes = new HashMap<>(); // Of operations, by their offsets in the batch.
    private final List<ModelPart> parts = new ArrayList<>();
    private final Set<Integer> strays = new HashSet<>();
    private @Nullable CompletableFuture<CommitResult> result;

    /**
     * Fills a batch.
     *
     * @param isAtomic whether each tablet does all of its part or nothing
     * @param request that it makes, perhaps not for the first time; null if it has no name
     */
    ModelBatch(
            ModelDriver driver,
            Table table,
            List<ModelOperation> operations,
            Durability durability,
            boolean isAtomic,
            ModelRequests.@Nullable Request request) {
        this.driver = driver;
        this.schema = table.schema();
        this.operations = operations;
        this.durability = durability;
        this.isAtomic = isAtomic;
        this.request = request;
        this.batch = table.newBatch().durability(durability).atomic(isAtomic);
        boolean isFilled = false;
        try {
            ModelDriver.fill(batch.rows(), operations);
            batch.rows()
                    .forEach((memory, operation) ->
                            indexes.put(operation, OperationFormat.operationIndex(memory, operation)));
            isFilled = true;
        } finally {
            if (!isFilled) {
                batch.close();
            }
        }
    }

    ModelDriver driver() {
        return driver;
    }

    Schema schema() {
        return schema;
    }

    Durability durability() {
        return durability;
    }

    /** In the order in which the batch was split. */
    List<ModelPart> parts() {
        return parts;
    }

    /** Hands it to its tablets. Each operation goes where the model says that there is a tablet for it. */
    void hand() {
        if (request != null) {
            batch.request(request.name());
        }
        result = batch.commitAsync();
        BatchParts split = batch.parts();
        int accepted = 0;
        for (int i = 0; i < split.partCount(); i++) {
            accepted += split.part(i).write().operationCount();
            parts.add(part(split.part(i)));
        }
        for (int i = 0; i < split.strayCount(); i++) {
            int stray = index(split.strayOffset(i));
            ModelOperation operation = operations.get(stray);
            assertSame(null, driver.rangeOf(operation.key(schema)), () -> "there is a range for " + operation);
            strays.add(stray);
        }
        assertEquals(indexes.size(), accepted + strays.size(), "operations that went somewhere");
    }

    private int index(long offset) {
        return Objects.requireNonNull(indexes.get(offset), "no operation begins there");
    }

    private ModelPart part(BatchParts.Part part) {
        TabletWrite write = part.write();
        SortedMap<Integer, ModelOperation> own = new TreeMap<>();
        for (int i = 0; i < write.operationCount(); i++) {
            int index = index(write.operationOffset(i));
            own.put(index, operations.get(index));
        }
        ModelLayout.Range range = own.isEmpty() // Of a batch that refused all, for a table of one tablet.
                ? driver.table().layout().ranges().getFirst()
                : driver.rangeOf(own.firstEntry().getValue().key(schema));
        ModelTablet tablet = driver.tablet(part.target().id(), range);
        for (ModelOperation operation : own.values()) {
            assertSame(tablet.range(), driver.rangeOf(operation.key(schema)), () -> "range of " + operation);
        }
        return new ModelPart(tablet, judged(), own, isAtomic, request, part);
    }

    /** What its operations are judged by: the batch may be older than the table's present columns. */
    private Schema judged() {
        Schema present = driver.schema();
        List<Column> columns = schema.columns().stream()
                .map(column -> present.column(present.indexOfId(column.id())).isImmutable()
                        ? column.immutable()
                        : column.mutable())
                .toList();
        return new Schema(schema.version(), schema.nextColumnId(), columns);
    }

    boolean isAnswered() {
        return result != null && result.isDone();
    }

    /** Why it failed, once it is answered; null if it did not. */
    @Nullable
    RuntimeException failure() {
        CompletableFuture<CommitResult> answered = Objects.requireNonNull(result, "it was not handed over");
        return answered.isCompletedExceptionally() ? ModelWrites.failure(answered) : null;
    }

    /** The answer is made of those of the tablets. */
    void checkAnswer() {
        CommitResult answer = Objects.requireNonNull(result).join();
        assertEquals(operations.size(), answer.operationCount());
        if (isRefused()) {
            checkErrors(answer);
            return;
        }
        long newest = 0;
        for (ModelPart part : parts) {
            assertTrue(part.isTaken(), () -> "a batch was answered, but cannot be seen: " + part);
            newest = Math.max(newest, part.time());
        }
        if (!parts.isEmpty()) {
            assertEquals(newest, answer.timestamp(), "time of the batch");
        }
        checkErrors(answer);
    }

    /** Whether it is a request whose answer may have been forgotten. */
    boolean mayBeStale() {
        return request != null && request.mayBeStale();
    }

    /** Whether no tablet is to do anything for it: all of it is to happen, and something cannot. */
    private boolean isRefused() {
        boolean isAnyRefused = operations.stream().anyMatch(operation -> operation.refused() != null);
        return isAtomic && (isAnyRefused || !strays.isEmpty());
    }

    private void checkErrors(CommitResult answer) {
        Map<Integer, RowErrorCode> codes = new HashMap<>();
        for (RowError error : answer.errors()) {
            assertSame(null, codes.put(error.operationIndex(), error.code()), () -> "two errors: " + error);
        }
        assertEquals(expectedErrors(), codes);
    }

    private Map<Integer, RowErrorCode> expectedErrors() {
        Map<Integer, RowErrorCode> expected = new HashMap<>();
        for (int i = 0; i < operations.size(); i++) {
            RowErrorCode refused = operations.get(i).refused();
            if (refused != null) {
                expected.put(i, refused);
            } else if (isRefused()) {
                expected.put(i, RowErrorCode.ROLLED_BACK);
            }
        }
        strays.forEach(index -> expected.put(index, RowErrorCode.NO_RANGE));
        for (ModelPart part : parts) {
            if (part.isTaken() || part.failure() != null) {
                part.operations().keySet().forEach(expected::remove); // Of a refused batch: it was done before, or not.
            }
            if (part.isTaken()) {
                expected.putAll(part.existing().errors());
            }
        }
        return expected;
    }

    /** The failure says of each operation what became of it. */
    void check(PartialCommitException failure) {
        for (ModelPart part : parts) {
            PartialCommitException.Outcome outcome = part.failure() == null
                    ? PartialCommitException.Outcome.DONE
                    : part.decided() == null
                            ? PartialCommitException.Outcome.NOTHING_HAPPENED
                            : PartialCommitException.Outcome.UNKNOWN;
            for (int index : part.operations().keySet()) {
                boolean isRolledBack = isRefused() && part.failure() == null && !part.isTaken();
                boolean isError = part.isTaken() && part.existing().errors().containsKey(index);
                assertEquals(
                        isRolledBack || isError ? PartialCommitException.Outcome.REFUSED : outcome,
                        failure.outcome(index),
                        () -> "outcome of operation " + index + ", " + part);
            }
        }
        checkErrors(failure.result());
    }

    /** Whether it may be too large for a record of the log. */
    boolean isLarge() {
        return operations.size() > LARGE_OPERATIONS
                || operations.stream()
                        .flatMap(operation -> Stream.concat(
                                operation.values().stream(),
                                operation.conditions().stream().map(ModelOperation.Wanted::value)))
                        .anyMatch(value -> value instanceof Bytes bytes && bytes.array().length > LARGE_CELL_BYTES);
    }

    void close() {
        batch.close();
    }

    @Override
    public String toString() {
        return (request == null ? "" : request + " ") + (isAtomic ? "atomic " : "") + durability + " to "
                + driver.tableName() + " " + operations;
    }
}
