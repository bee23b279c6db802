package io.nyala.engine;

import io.nyala.compaction.MergePolicy;
import io.nyala.compaction.RowSetShape;
import io.nyala.compaction.RowSetShape.DeltaFileShape;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntUnaryOperator;
import java.util.stream.Collectors;

/**
 * Records how the rowsets of a tablet lie after some loads, for the tests of the policy that merges them: a small
 * engine on a simulated host does what a large one would, with rowsets of 64 KiB for 32 MiB. A recording is the same
 * each time. {@code main} makes the files anew that those tests read, with what the policy does left out, which {@code
 * -Drewrite=true} puts in:
 *
 * <pre>{@code
 * java ... io.nyala.engine.LayoutRecorder compaction/src/test/resources/compaction
 * }</pre>
 */
final class LayoutRecorder {
    /** What was done to a tablet. */
    enum Load {
        ASCENDING("keys come in their order, and 20 flushes"),
        RANDOM("keys come in no order, and 30 flushes; nothing was merged"),
        MERGED("keys come in no order: 24 flushes, all of them merged as long as it was worth it, and 12 more"),
        UPDATED("keys in no order, 4 flushes, merged; then 6 flushes of updates, of some rows far more than of"
                + " others"),
        HUGE("one flush of 20,000 rows to a file of its own, then 16 of the usual size, of keys among them"),
        WINDOWS("a time series: 8 windows of keys, 4 flushes in each, a tenth of the rows for the window before");

        private final String words;

        Load(String words) {
            this.words = words;
        }

        String fileName() {
            return "layout-" + name().toLowerCase(Locale.ROOT) + ".script";
        }
    }

    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT32),
            Column.of("number", ColumnType.INT64),
            Column.of("text", ColumnType.STRING));

    private static final long FLUSH_BYTES_MAX = 8 << 20; // They come when they are asked for.
    private static final long ROWSET_BYTES = 64 << 10;
    private static final int ROWS_PER_FLUSH = 900;
    private static final int UPDATES_PER_FLUSH = 150;

    /** Delta files have some KiB at least, which is much beside smaller rowsets. */
    private static final long UPDATED_ROWSET_BYTES = 8 * ROWSET_BYTES;

    /** In a rowset of its own, which is written as one. */
    private static final int HUGE_ROWS = 20_000;

    /** Keys in no order: a number that has no factor with it permutes those below it. */
    private static final int KEYS = 1 << 24;

    private static final long SCRAMBLE = 0x9E_3779B1L;

    private final SplittableRandom random = new SplittableRandom(1);
    private final World world = new World(random.split());
    private final long rowSetBytes;
    private final int rowsPerFlush;
    private World.Running running;
    private Table table;
    private int rows;

    private LayoutRecorder(long rowSetBytes, int rowsPerFlush) {
        this.rowSetBytes = rowSetBytes;
        this.rowsPerFlush = rowsPerFlush;
        running = world.open(config(rowSetBytes));
        table = running.engine().createTable("t", SCHEMA);
    }

    private static EngineConfig config(long rowSetBytes) {
        return World.config()
                .withFlushBytes(FLUSH_BYTES_MAX)
                .withRowSetBytes(rowSetBytes)
                .withLogSegmentBytes(2 * FLUSH_BYTES_MAX);
    }

    public static void main(String[] arguments) throws IOException {
        for (Load load : Load.values()) {
            String recorded = record(load, ROWS_PER_FLUSH);
            Files.writeString(Path.of(arguments[0], load.fileName()), recorded + "----\n");
        }
    }

    /** A comment, the size of rowsets, and a line for each. */
    static String record(Load load, int rowsPerFlush) {
        long rowSetBytes = load == Load.UPDATED ? UPDATED_ROWSET_BYTES : ROWSET_BYTES;
        var recorder = new LayoutRecorder(rowSetBytes, rowsPerFlush);
        try {
            recorder.run(load);
            return recorder.text(load);
        } finally {
            recorder.running.engine().close();
        }
    }

    private void run(Load load) {
        switch (load) {
            case ASCENDING -> flushes(20, row -> row);
            case RANDOM -> flushes(30, LayoutRecorder::scrambled);
            case MERGED -> {
                flushes(24, LayoutRecorder::scrambled);
                await(table.compact());
                flushes(12, LayoutRecorder::scrambled);
            }
            case UPDATED -> {
                for (int flush = 0; flush < 4; flush++) {
                    insert((int) (rowsPerFlush * rowSetBytes / ROWSET_BYTES), LayoutRecorder::scrambled);
                }
                await(table.compact());
                for (int flush = 0; flush < 6; flush++) {
                    update();
                }
            }
            case HUGE -> {
                reopen(FLUSH_BYTES_MAX);
                insert(HUGE_ROWS, LayoutRecorder::scrambled);
                reopen(rowSetBytes);
                flushes(16, LayoutRecorder::scrambled);
            }
            case WINDOWS -> {
                for (int window = 1; window <= 8; window++) {
                    int present = window;
                    flushes(4, row -> scrambled(row) % 100_000 + 100_000 * (present - (row % 10 == 0 ? 1 : 0)));
                }
            }
        }
    }

    private void reopen(long newRowSetBytes) {
        running.engine().close();
        running = world.open(config(newRowSetBytes));
        table = running.engine().table("t").orElseThrow();
    }

    private static int scrambled(int row) {
        return (int) (row * SCRAMBLE % KEYS);
    }

    private void flushes(int count, IntUnaryOperator key) {
        for (int i = 0; i < count; i++) {
            insert(rowsPerFlush, key);
        }
    }

    private void insert(int count, IntUnaryOperator key) {
        for (int left = count; left > 0; left -= ROWS_PER_FLUSH) {
            try (WriteBatch batch = table.newBatch()) {
                for (int i = Math.min(left, ROWS_PER_FLUSH); i > 0; i--) {
                    put(batch, OperationKind.INSERT_IGNORE, key.applyAsInt(rows++));
                }
                batch.commit().orThrow();
            }
        }
        await(table.flush());
    }

    /** Of the first rows far more often than of the last. */
    private void update() {
        try (WriteBatch batch = table.newBatch()) {
            for (int i = 0; i < UPDATES_PER_FLUSH; i++) {
                int row = (int) (rows * Math.pow(random.nextDouble(), 4));
                put(batch, OperationKind.UPDATE, scrambled(row));
            }
            batch.commit().orThrow();
        }
        await(table.flush());
    }

    /** A text that cannot be made shorter, so that rows take as many bytes on disk as in memory. */
    private void put(WriteBatch batch, OperationKind kind, int key) {
        var text = new StringBuilder();
        for (int i = 0; i < 64; i++) {
            text.append((char) random.nextInt(' ', 127));
        }
        batch.rows()
                .start(kind)
                .setInt(0, key)
                .setLong(1, random.nextLong())
                .setString(2, text.toString())
                .end();
    }

    private void await(CompletableFuture<?> future) {
        running.host().await(future::isDone);
        future.join();
    }

    private String text(Load load) {
        String lines = table.explain().getFirst().rowSets().stream()
                .map(MergePolicy.Placed::shape)
                .sorted(Comparator.comparingLong(RowSetShape::fileId))
                .map(LayoutRecorder::line)
                .collect(Collectors.joining("\n"));
        return "# Recorded by LayoutRecorder of the engine: " + load.words + ".\nrowsets of " + rowSetBytes + " bytes\n"
                + lines + "\n";
    }

    private static String line(RowSetShape rowSet) {
        long inFiles =
                rowSet.deltaFiles().stream().mapToLong(DeltaFileShape::bytes).sum();
        String deltas =
                rowSet.deltaFiles().stream().map(file -> " " + file.bytes()).collect(Collectors.joining());
        return "rowset " + rowSet.fileId() + " keys " + number(rowSet.minKey()) + " " + number(rowSet.maxKey())
                + " rows " + rowSet.rowCount() + " bytes " + rowSet.bytes()
                + (rowSet.forgottenBytes() == 0 ? "" : " forgotten " + rowSet.forgottenBytes())
                + (rowSet.changeBytes() == inFiles ? "" : " memory " + (rowSet.changeBytes() - inFiles))
                + (deltas.isEmpty() ? "" : " deltas" + deltas);
    }

    /** Encoded keys order as bytes. */
    private static int number(byte[] key) {
        return ByteBuffer.wrap(key).getInt() ^ Integer.MIN_VALUE;
    }
}
