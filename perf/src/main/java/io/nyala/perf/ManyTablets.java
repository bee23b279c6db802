package io.nyala.perf;

import com.sun.management.OperatingSystemMXBean;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.TableSpec;
import io.nyala.engine.WriteBatch;
import io.nyala.memory.AccountUsage;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.OperationKind;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What tablets cost that are open and have nothing to do: time to create and to open them, memory, descriptors, threads
 * and CPU, first without rows, then with a rowset on disk each. The rows of a table are spread over its tablets by
 * hash.
 *
 * <pre>{@code
 * java ... io.nyala.perf.ManyTablets [DIRECTORY [TABLES [TABLETS_OF_A_TABLE]]]
 * }</pre>
 */
public final class ManyTablets {
    private static final int DEFAULT_TABLES = 1000;
    private static final int DEFAULT_TABLETS = 10;
    private static final int ROWS_PER_TABLET = 20;
    private static final long MEMORY_BYTES = 1L << 30;
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(2);
    private static final int COLLECTIONS = 3;
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private final Path directory;
    private final int tables;
    private final int tabletsOfEach;
    private Cost before = Cost.of(null);

    private ManyTablets(Path directory, int tables, int tabletsOfEach) {
        this.directory = directory;
        this.tables = tables;
        this.tabletsOfEach = tabletsOfEach;
    }

    /** What the process has at a moment. */
    private record Cost(long heapBytes, long nativeBytes, long residentBytes, int descriptors, int threads) {
        static Cost of(@Nullable Engine engine) {
            for (int i = 0; i < COLLECTIONS; i++) {
                System.gc();
            }
            Runtime runtime = Runtime.getRuntime();
            return new Cost(
                    runtime.totalMemory() - runtime.freeMemory(),
                    engine == null
                            ? 0
                            : engine.memoryUsage().stream()
                                    .mapToLong(AccountUsage::usedBytes)
                                    .sum(),
                    resident(),
                    count("/proc/self/fd"),
                    count("/proc/self/task"));
        }

        private static int count(String folder) {
            String[] names = new File(folder).list();
            return names == null ? 0 : names.length;
        }

        private static long resident() {
            try {
                return Files.readAllLines(Path.of("/proc/self/status")).stream()
                        .filter(line -> line.startsWith("VmRSS:"))
                        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                        .findFirst()
                        .orElse(0);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    public static void main(String[] arguments) {
        Path parent = arguments.length > 0 ? Path.of(arguments[0]) : LineItems.temporary();
        int tables = arguments.length > 1 ? Integer.parseInt(arguments[1]) : DEFAULT_TABLES;
        int tablets = arguments.length > 2 ? Integer.parseInt(arguments[2]) : DEFAULT_TABLETS;
        print(parent, tables, tablets);
    }

    /** Prints a table. */
    static void print(Path parent, int tables, int tabletsOfEach) {
        Path directory;
        try {
            directory = Files.createTempDirectory(parent, "nyala-perf");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        try {
            new ManyTablets(directory, tables, tabletsOfEach).run();
        } finally {
            LineItems.delete(directory);
        }
    }

    private void run() {
        System.out.printf(
                Locale.ROOT,
                "%,d tables of %d tablets; bytes, descriptors and threads per tablet, above those of an empty"
                        + " engine%n%n",
                tables,
                tabletsOfEach);
        System.out.println("| state | time | heap | native | resident | descriptors | threads | idle CPU |");
        System.out.println("|---|---|---|---|---|---|---|---|");
        create();
        reopen("opened, no rows", engine -> {});
        reopen("rows put in, and flushed", this::fill);
        reopen("opened, a rowset in each", engine -> {});
    }

    private Engine open() {
        return Engine.open(EngineConfig.in(directory).withMemoryBytes(MEMORY_BYTES));
    }

    private void create() {
        try (Engine engine = open()) {
            before = Cost.of(engine);
            long start = System.nanoTime();
            for (int i = 0; i < tables; i++) {
                engine.createTable(spec(i));
            }
            printRow("created", System.nanoTime() - start, engine);
        }
    }

    private void reopen(String state, Consumer<Engine> work) {
        long start = System.nanoTime();
        try (Engine engine = open()) {
            work.accept(engine);
            printRow(state, System.nanoTime() - start, engine);
        }
    }

    private TableSpec spec(int number) {
        PartitionSchema.Builder partitioning = PartitionSchema.of(LineItems.SCHEMA);
        if (tabletsOfEach > 1) {
            partitioning.hash(tabletsOfEach, LineItems.SCHEMA.column(0).name());
        }
        return TableSpec.of("table_" + number, partitioning.build());
    }

    private void fill(Engine engine) {
        for (Table table : engine.tables()) {
            try (WriteBatch batch = table.newBatch()) {
                for (int row = 0; row < ROWS_PER_TABLET * tabletsOfEach; row++) {
                    LineItems.put(batch, OperationKind.INSERT, row);
                }
                batch.commit().orThrow();
            }
            table.flush().join();
        }
    }

    private void printRow(String state, long nanos, Engine engine) {
        long cpu = SYSTEM.getProcessCpuTime();
        long start = System.nanoTime();
        for (long left = IDLE_NANOS; left > 0; left = start + IDLE_NANOS - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
        double idle = 100.0 * (SYSTEM.getProcessCpuTime() - cpu) / (System.nanoTime() - start);
        Cost now = Cost.of(engine);
        double tablets = (double) tables * tabletsOfEach;
        System.out.printf(
                Locale.ROOT,
                "| %s | %,.2f s | %,.0f B | %,.0f B | %,.0f B | %.3f | %.4f | %.2f %% |%n",
                state,
                nanos / 1e9,
                (now.heapBytes - before.heapBytes) / tablets,
                (now.nativeBytes - before.nativeBytes) / tablets,
                (now.residentBytes - before.residentBytes) / tablets,
                (now.descriptors - before.descriptors) / tablets,
                (now.threads - before.threads) / tablets,
                idle);
    }
}
