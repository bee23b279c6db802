package io.nyala.columns;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyRange;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.table.KeyPieces;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/**
 * What rows of Kudu's load generator take on disk, by column: an INT64 key, an INT32, a string of 32 bytes that begins
 * with a number; counted up, or drawn at random. Inserted by batches of 1,000, flushed and merged. Stateless.
 */
final class RowSizes {
    private static final Schema SCHEMA = Schema.of(
            Column.key("key", ColumnType.INT64),
            Column.of("int_val", ColumnType.INT32),
            Column.of("string_val", ColumnType.STRING));

    private static final int STRING_BYTES = 32;
    private static final int BATCH_ROWS = 1000;

    /** As {@code docs/formats/rowset.md} has it. */
    private static final int INSERT_TIME_ID = 65_536;

    private static final int SEED = 1;

    private RowSizes() {}

    /** Prints a table. */
    static void print(int rows) throws IOException {
        System.out.printf(Locale.ROOT, "%n%,d rows of Kudu's load generator.%n%n", rows);
        System.out.println("| bytes per row | all | key | int_val | string_val | insert time | filter and the rest |");
        System.out.println("|---|---|---|---|---|---|---|");
        long[] next = {0};
        var random = new SplittableRandom(SEED);
        System.out.println(line("ascending keys", rows, () -> next[0]++));
        System.out.println(line("random keys", rows, () -> random.nextLong() & Long.MAX_VALUE));
    }

    private static String line(String name, int rows, LongSupplier numbers) throws IOException {
        Path directory = Files.createTempDirectory("row-sizes");
        try (Engine engine = Engine.open(EngineConfig.in(directory).withAutomaticMerges(false))) {
            Table table = engine.createTable("rows", SCHEMA);
            insert(table, rows, numbers);
            table.flush().join();
            table.compact().join();
            return line(name, table, rows);
        } finally {
            delete(directory);
        }
    }

    private static void insert(Table table, int rows, LongSupplier numbers) {
        byte[] text = new byte[STRING_BYTES];
        try (WriteBatch batch = table.newBatch()) {
            for (int count = 1; count <= rows; count++) {
                long key = numbers.getAsLong();
                long value = numbers.getAsLong() & Integer.MAX_VALUE;
                Arrays.fill(text, (byte) 'x');
                byte[] begin = (numbers.getAsLong() + ".").getBytes(StandardCharsets.US_ASCII);
                System.arraycopy(begin, 0, text, 0, begin.length);
                batch.rows()
                        .start(OperationKind.INSERT)
                        .setLong(0, key)
                        .setLong(1, value)
                        .setBytes(2, text, 0, text.length)
                        .end();
                if (count % BATCH_ROWS == 0 || count == rows) {
                    batch.commit().orThrow();
                }
            }
        }
    }

    private static String line(String name, Table table, int rows) {
        double all = (double) table.statistics().diskBytes() / rows;
        List<Integer> ids = new ArrayList<>(
                table.schema().columns().stream().map(Column::id).toList());
        ids.add(INSERT_TIME_ID);
        var line = new StringBuilder(String.format(Locale.ROOT, "| %s | **%.2f** |", name, all));
        double rest = all;
        for (int id : ids) {
            double bytes = (double) columnBytes(table, id) / rows;
            line.append(String.format(Locale.ROOT, " %.2f |", bytes));
            rest -= bytes;
        }
        return line.append(String.format(Locale.ROOT, " %.2f |", rest)).toString();
    }

    private static long columnBytes(Table table, int id) {
        long tablet = table.tablets().getFirst().id();
        return table.pieces(tablet, KeyRange.ALL, new int[] {id}, Long.MAX_VALUE).orElse(List.of()).stream()
                .mapToLong(KeyPieces.Piece::bytes)
                .sum();
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
