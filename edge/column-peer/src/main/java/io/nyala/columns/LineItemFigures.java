package io.nyala.columns;

import io.nyala.rows.ColumnCompression;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * {@code lineitem} of TPC-H in our engine, and the same rows in DuckDB, in its own file and in Parquet: what they take
 * on the disk, and how long questions take, of one thread each, in turn, with all of it in memory and with nothing.
 *
 * <pre>{@code
 * perf/run lineitem DIRECTORY [SCALE [TIMES]]
 * }</pre>
 *
 * All answers must be the same. Medians (lowest - highest) of all times. Files are removed afterwards. For what is not
 * in memory the system's cache is dropped, which root may do.
 */
public final class LineItemFigures {
    private static final double DEFAULT_SCALE = 1;
    private static final int DEFAULT_TIMES = 5;
    private static final long WARM_UP_NANOS = TimeUnit.SECONDS.toNanos(2);
    private static final double MILLI = 1e6;

    private final double scale;
    private final int times;
    private final long warmUpNanos;
    private final List<LineItemStore> stores = new ArrayList<>();
    private final Map<LineItemQuery, Map<String, Figure>> hot = new EnumMap<>(LineItemQuery.class);
    private final Map<LineItemQuery, Map<String, Figure>> cold = new EnumMap<>(LineItemQuery.class);
    private long rows;

    /** What one question of one store took. */
    private static final class Figure {
        private final List<Double> millis = new ArrayList<>();
        private long heapBytes = Long.MAX_VALUE;

        double median() {
            double[] sorted = millis.stream().mapToDouble(each -> each).toArray();
            Arrays.sort(sorted);
            return sorted[sorted.length / 2];
        }

        @Override
        public String toString() {
            double least = millis.stream().min(Comparator.naturalOrder()).orElse(0.0);
            double most = millis.stream().max(Comparator.naturalOrder()).orElse(0.0);
            return String.format(Locale.ROOT, "%.1f (%.1f - %.1f)", median(), least, most);
        }
    }

    private LineItemFigures(double scale, int times, long warmUpNanos) {
        this.scale = scale;
        this.times = times;
        this.warmUpNanos = warmUpNanos;
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length == 0) {
            throw new IllegalArgumentException("lineitem DIRECTORY [SCALE [TIMES]]: name a directory on the disk");
        }
        double scale = arguments.length > 1 ? Double.parseDouble(arguments[1]) : DEFAULT_SCALE;
        int times = arguments.length > 2 ? Integer.parseInt(arguments[2]) : DEFAULT_TIMES;
        print(Path.of(arguments[0]), scale, times, WARM_UP_NANOS, true);
    }

    /** Prints tables; {@code isCold} if the system's cache may be dropped. */
    static void print(Path below, double scale, int times, long warmUpNanos, boolean isCold) throws IOException {
        Files.createDirectories(below);
        Path directory = Files.createTempDirectory(below, "lineitem");
        LineItemFigures figures = new LineItemFigures(scale, times, warmUpNanos);
        try {
            figures.load(directory);
            figures.printSizes();
            figures.ask(isCold);
        } finally {
            figures.stores.forEach(LineItemStore::close);
            delete(directory);
        }
    }

    private void load(Path directory) {
        stores.add(EngineLineItems.load(directory.resolve("nyala"), ColumnCompression.DEFAULT, scale));
        stores.add(EngineLineItems.load(directory.resolve("lz4"), ColumnCompression.LZ4, scale));
        stores.add(EngineLineItems.load(directory.resolve("zstd"), ColumnCompression.ZSTD, scale));
        DuckLineItems duck = DuckLineItems.load(directory.resolve("lineitem.duckdb"), scale);
        stores.add(duck);
        stores.add(duck.toParquet(directory.resolve("snappy.parquet"), "snappy"));
        stores.add(duck.toParquet(directory.resolve("zstd.parquet"), "zstd"));
        rows = Long.parseLong(stores.getFirst().answer(LineItemQuery.TEN_COLUMNS));
    }

    private void printSizes() {
        System.out.printf(Locale.ROOT, "%,d rows.%n%n", rows);
        StringBuilder head = new StringBuilder("| bytes per row |");
        StringBuilder line = new StringBuilder("|---|");
        StringBuilder all = new StringBuilder("| **all** |");
        Map<String, Map<String, Long>> columns = new LinkedHashMap<>();
        for (LineItemStore store : stores) {
            head.append(' ').append(store.name()).append(" |");
            line.append("---|");
            all.append(String.format(Locale.ROOT, " **%.2f** |", (double) store.bytes() / rows));
            store.columnBytes()
                    .forEach((column, bytes) -> columns.computeIfAbsent(column, _ -> new LinkedHashMap<>())
                            .put(store.name(), bytes));
        }
        System.out.println(head);
        System.out.println(line);
        System.out.println(all);
        columns.forEach((column, bytes) -> {
            StringBuilder cells = new StringBuilder("| " + column + " |");
            for (LineItemStore store : stores) {
                Long known = bytes.get(store.name());
                cells.append(known == null ? " |" : String.format(Locale.ROOT, " %.3f |", (double) known / rows));
            }
            System.out.println(cells);
        });
    }

    private void ask(boolean isCold) {
        for (LineItemQuery query : LineItemQuery.values()) {
            String expected = stores.getFirst().answer(query);
            for (LineItemStore store : asked()) {
                String answer = store.answer(query);
                if (!answer.equals(expected)) {
                    throw new IllegalStateException(query.title() + ": " + store.name() + " answers\n" + answer
                            + "\nand " + stores.getFirst().name() + "\n" + expected);
                }
                long start = System.nanoTime();
                while (System.nanoTime() - start < warmUpNanos) {
                    store.answer(query);
                }
            }
            for (int i = 0; i < times; i++) {
                asked().forEach(store -> measure(store, query, hot));
            }
        }
        printTimes("in memory", hot);
        if (isCold) {
            for (LineItemQuery query : LineItemQuery.values()) {
                for (int i = 0; i < times; i++) {
                    for (LineItemStore store : asked()) {
                        store.forget();
                        measure(store, query, cold);
                    }
                }
            }
            printTimes("from the disk", cold);
        }
    }

    private List<LineItemStore> asked() {
        return stores.stream().filter(LineItemStore::isAsked).toList();
    }

    private static void measure(
            LineItemStore store, LineItemQuery query, Map<LineItemQuery, Map<String, Figure>> figures) {
        Figure figure = figures.computeIfAbsent(query, _ -> new LinkedHashMap<>())
                .computeIfAbsent(store.name(), _ -> new Figure());
        long heap = allocated();
        long start = System.nanoTime();
        String answer = store.answer(query);
        figure.millis.add((System.nanoTime() - start) / MILLI);
        figure.heapBytes = Math.min(figure.heapBytes, allocated() - heap);
        if (answer.isEmpty()) {
            throw new IllegalStateException(store.name() + " has no answer to " + query.title());
        }
    }

    private static long allocated() {
        return ManagementFactory.getPlatformMXBean(com.sun.management.ThreadMXBean.class)
                .getCurrentThreadAllocatedBytes();
    }

    private void printTimes(String where, Map<LineItemQuery, Map<String, Figure>> figures) {
        LineItemStore ours = stores.getFirst();
        System.out.printf("%n| %s, ms |", where);
        asked().forEach(store -> System.out.printf(" %s |", store.name()));
        System.out.println(" of DuckDB | M rows/s | GB/s of cells | heap, KiB |");
        System.out.println("|---" + "|---".repeat(asked().size()) + "|---|---|---|---|");
        figures.forEach((query, byName) -> {
            System.out.printf("| %s |", query.title());
            asked().forEach(store -> System.out.printf(" %s |", byName.get(store.name())));
            Figure figure = Objects.requireNonNull(byName.get(ours.name()));
            double seconds = figure.median() / 1e3;
            System.out.printf(
                    Locale.ROOT,
                    " %.2f | %,.0f | %.2f | %.0f |%n",
                    figure.median()
                            / Objects.requireNonNull(byName.get(DuckLineItems.OWN_FILE))
                                    .median(),
                    rows / seconds / 1e6,
                    rows / seconds * query.rowBytes() / 1e9,
                    figure.heapBytes / 1024.0);
        });
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> paths = Files.walk(directory)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
