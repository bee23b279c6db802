package io.nyala.perf;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.EngineView;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.io.Parking;
import io.nyala.perf.CommitLoad.Committer;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;
import org.jspecify.annotations.Nullable;

/** The whole engine: rows of a number and a string go into one table of one tablet, by the embedding API. */
final class EngineCommitter implements Committer.Asynchronous {
    private static final int CALLERS_MAX = 256;
    private static final long MEMORY_BYTES = 768L << 20;
    private static final byte[] VALUE = new byte[ROW_BYTES - Long.BYTES];
    private static final Schema SCHEMA =
            Schema.of(Column.key("key", ColumnType.INT64), Column.of("value", ColumnType.BINARY));

    private final Path place;
    private final int rows;
    private final Engine engine;
    private final Table table;
    private final WriteBatch[] batches = new WriteBatch[CALLERS_MAX];
    private final AtomicLong nextKey = new AtomicLong();

    EngineCommitter(Path directory, int rows) {
        this.rows = rows;
        try {
            place = Files.createTempDirectory(directory, "engine");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        engine = Engine.open(EngineConfig.in(place).withMemoryBytes(MEMORY_BYTES));
        table = engine.createTable("rows", SCHEMA);
        for (int i = 0; i < CALLERS_MAX; i++) {
            batches[i] = table.newBatch();
        }
    }

    @Override
    public String name() {
        return "engine";
    }

    private WriteBatch filled(int caller) {
        WriteBatch batch = batches[caller];
        long first = nextKey.getAndAdd(rows);
        for (int i = 0; i < rows; i++) {
            batch.rows()
                    .start(OperationKind.INSERT)
                    .setLong(0, first + i)
                    .setBytes(1, VALUE, 0, VALUE.length)
                    .end();
        }
        return batch;
    }

    @Override
    public void commit(int caller) {
        filled(caller).commit().orThrow();
    }

    @Override
    public Pipeline pipeline(int callers) {
        return new Futures();
    }

    @Override
    public long flushes() {
        EngineView.Log log = engine.view().log();
        return log.writes() + log.syncs();
    }

    @Override
    public void settle() {
        table.flush().join();
    }

    @Override
    public void close() {
        for (WriteBatch batch : batches) {
            batch.close();
        }
        engine.close();
        LineItems.delete(place);
    }

    /** Batches whose stages tell the one thread which are durable. */
    private final class Futures implements Pipeline {
        private final ManyToOneConcurrentArrayQueue<Integer> done = new ManyToOneConcurrentArrayQueue<>(CALLERS_MAX);
        private final Parking loop = Parking.ofThread();
        private volatile @Nullable Throwable failure;

        @Override
        public void begin(int caller) {
            Integer boxed = caller;
            var _ = filled(caller).commitAsync().whenComplete((_, thrown) -> {
                if (thrown != null) {
                    failure = thrown;
                }
                done.add(boxed);
                loop.wake();
            });
        }

        @Override
        public int poll(IntConsumer durable) {
            int polled = done.drain(durable::accept);
            Throwable thrown = failure;
            if (thrown != null) {
                throw new IllegalStateException(thrown);
            }
            return polled;
        }

        @Override
        public void await() {
            loop.park(Long.MAX_VALUE);
        }
    }
}
