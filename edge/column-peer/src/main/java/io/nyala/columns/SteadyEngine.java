package io.nyala.columns;

import io.nyala.compaction.MergePolicy;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.EngineView;
import io.nyala.engine.Lookup;
import io.nyala.engine.Scan;
import io.nyala.engine.Table;
import io.nyala.engine.TableSpec;
import io.nyala.engine.WriteBatch;
import io.nyala.memory.AccountUsage;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.tablet.TabletLookup.Effort;
import io.nyala.tablet.TabletView;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Our engine as a {@link SteadyStore}: one table of one tablet, merged by itself, durable. */
final class SteadyEngine implements SteadyStore {
    /** Average rowsets that a look-up asks, at most, when merges have come to rest. */
    static final double HEIGHT_AT_REST = 1.05;

    /** Counters of what is written besides the log. */
    private static final List<String> WRITTEN =
            List.of("bytes written by flushes", "bytes written by merges", "bytes written by merges of delta files");

    private final String name;
    private final Engine engine;
    private final Table table;

    /** @param memoryBytes all that it may use */
    SteadyEngine(Path directory, long memoryBytes) {
        this("Nyala", EngineConfig.in(directory).withMemoryBytes(memoryBytes));
    }

    SteadyEngine(String name, EngineConfig config) {
        this.name = name;
        this.engine = Engine.open(config);
        // The past is not kept, as by who is beside it.
        this.table = engine.createTable(
                TableSpec.of("rows", PartitionSchema.of(SteadyRows.SCHEMA).build())
                        .withHistory(Duration.ZERO));
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Writer newWriter() {
        return new EngineWriter(table.newBatch());
    }

    @Override
    public Reader newReader() {
        return new EngineReader(table);
    }

    @Override
    public State state() {
        TabletView view = table.views(0, 1).getFirst();
        EngineView all = engine.view();
        long baseBytes = view.diskBytes() - view.deltaBytes();
        return new State(
                view.diskBytes(),
                writtenBytes(all),
                table.explain().getFirst().height(),
                (double) view.deltaBytes() / Math.max(1, baseBytes),
                all.memory().stream().mapToLong(AccountUsage::usedBytes).sum());
    }

    private static long writtenBytes(EngineView view) {
        return view.log().writtenBytes()
                + WRITTEN.stream().mapToLong(view.counters()::get).sum();
    }

    @Override
    public boolean isAtRest() {
        return table.views(0, 1).getFirst().merge().isEmpty()
                && table.explain().getFirst().choice().kind() == MergePolicy.Kind.NOTHING;
    }

    @Override
    public void rewrite() {
        table.flush().join();
        table.compact().join();
        table.vacuum().join();
    }

    @Override
    public void close() {
        engine.close();
    }

    private static final class EngineWriter implements Writer {
        private final WriteBatch batch;

        EngineWriter(WriteBatch batch) {
            this.batch = batch;
        }

        @Override
        public void put(long number, long version) {
            // A change of a row that another caller is about to insert may have come first.
            OperationKind kind = version == 0 ? OperationKind.INSERT_IGNORE : OperationKind.UPSERT;
            SteadyRows.put(batch.rows(), kind, number, version);
        }

        @Override
        public void commit() {
            batch.commit().orThrow();
        }

        @Override
        public long filtersAsked() {
            return batch.filtersAsked();
        }

        @Override
        public long keysLookedUp() {
            return batch.keysLookedUp();
        }

        @Override
        public void close() {
            batch.close();
        }
    }

    private static final class EngineReader implements Reader {
        private final Table table;
        private final Lookup lookup;

        EngineReader(Table table) {
            this.table = table;
            this.lookup = table.lookup();
        }

        @Override
        public long scan(long fromOrder, long toOrder) {
            long count = 0;
            try (Scan scan = table.scan()
                    .where(Predicate.atLeast(SteadyRows.SCHEMA, "order_key", fromOrder))
                    .where(Predicate.lessThan(SteadyRows.SCHEMA, "order_key", toOrder))
                    .inKeyOrder()
                    .open()) {
                while (scan.next()) {
                    count += scan.batch().rowCount();
                }
            }
            return count;
        }

        @Override
        public boolean lookUp(long number) {
            SteadyRows.putKey(lookup.key(), number);
            boolean isFound = lookup.next();
            if (isFound && lookup.next()) {
                throw new IllegalStateException("one key has two rows");
            }
            return isFound;
        }

        @Override
        public Effort effort() {
            return lookup.effort();
        }

        @Override
        public void close() {
            lookup.close();
        }
    }
}
