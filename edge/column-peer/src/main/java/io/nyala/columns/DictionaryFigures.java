package io.nyala.columns;

import io.nyala.cfile.CFileReader;
import io.nyala.cfile.CFileWriter;
import io.nyala.cfile.CellKind;
import io.nyala.cfile.ColumnReader;
import io.nyala.cfile.ColumnSpec;
import io.nyala.cfile.ColumnWriter;
import io.nyala.cfile.CompressionHint;
import io.nyala.cfile.PageCache;
import io.nyala.encoding.FlatBinary;
import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Files of one column of strings with ZSTD, and with ZSTD and a trained dictionary: bytes, and what it takes to write
 * them and to read and check all pages. Of all rows, and of columns of which most rows are NULL, whose pages are short.
 */
final class DictionaryFigures {
    private static final int[] ROWS_PER_STRING = {1, 8, 32};
    private static final long MEMORY_BYTES = 128 << 20;

    private final MemoryAccount account;
    private final Disk disk;
    private final IoPool io;
    private final Path path;
    private final int times;

    private DictionaryFigures(MemoryAccount account, Disk disk, IoPool io, Path path, int times) {
        this.account = account;
        this.disk = disk;
        this.io = io;
        this.path = path;
        this.times = times;
    }

    /** A file. */
    private record Figure(long bytes, boolean hasDictionary, double writeMillis, double readMillis) {}

    /** Prints a table. */
    static void print(List<ColumnSample> samples, int times) throws IOException {
        Path path = Files.createTempFile("dictionary", ".cfile");
        Files.delete(path);
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), MEMORY_BYTES);
                MemoryAccount account = budget.account("dictionary", 0);
                Disk disk = Disks.channel();
                IoPool io = new IoPool(disk, 1, 16)) {
            var figures = new DictionaryFigures(account, disk, io, path, times);
            System.out.println("\nA file of one column with ZSTD, without and with a trained dictionary.\n");
            System.out.println("| strings | rows for one that is not NULL | bytes | with one | saved, % | ms to write"
                    + " | with one | ms to read | with one |");
            System.out.println("|---|---|---|---|---|---|---|---|---|");
            for (ColumnSample sample : samples) {
                for (int rows : sample.isText() ? ROWS_PER_STRING : new int[0]) {
                    figures.print(sample, rows);
                }
            }
        } finally {
            Files.deleteIfExists(path);
        }
    }

    private void print(ColumnSample sample, int rowsPerString) {
        Figure without = figure(sample, rowsPerString, CompressionHint.ZSTD);
        Figure with = figure(sample, rowsPerString, CompressionHint.ZSTD_DICTIONARY);
        System.out.printf(
                Locale.ROOT,
                "| %s | %d | %,d | %,d%s | %.1f | %.1f | %.1f | %.2f | %.2f |%n",
                sample.name(),
                rowsPerString,
                without.bytes(),
                with.bytes(),
                with.hasDictionary() ? "" : " (none)",
                100.0 * (without.bytes() - with.bytes()) / without.bytes(),
                without.writeMillis(),
                with.writeMillis(),
                without.readMillis(),
                with.readMillis());
    }

    private Figure figure(ColumnSample sample, int rowsPerString, CompressionHint compression) {
        long start = System.nanoTime();
        write(sample, rowsPerString, compression);
        double writeMillis = (System.nanoTime() - start) / 1e6;
        try (PageCache cache = new PageCache(account, io, MEMORY_BYTES / 4);
                CFileReader reader = CFileReader.open(new CFileReader.Source(disk, path, 1, 1), cache, account)) {
            double readMillis = Double.MAX_VALUE;
            for (int i = 0; i < times; i++) {
                long from = System.nanoTime();
                reader.verify();
                readMillis = Math.min(readMillis, (System.nanoTime() - from) / 1e6);
            }
            ColumnReader column = reader.column(0);
            return new Figure(column.bytes(), column.hasDictionary(), writeMillis, readMillis);
        } finally {
            disk.delete(path);
        }
    }

    private void write(ColumnSample sample, int rowsPerString, CompressionHint compression) {
        var strings = new FlatBinary();
        try (CFileWriter writer = new CFileWriter(account)) {
            ColumnWriter column = writer.addColumn(ColumnSpec.of(0, sample.name(), CellKind.BINARY)
                    .nullable()
                    .withCompression(compression)
                    .withPageBytes(1)); // As short as may be.
            for (int row = 0; row < sample.rows(); row++) {
                FlatBinary from = sample.strings(row, strings);
                column.append(from.bytes(), from.start(0), from.bytes(0));
                for (int i = 1; i < rowsPerString; i++) {
                    column.appendNull();
                }
            }
            IoQueue queue = io.borrow();
            try {
                writer.finish(new CFileWriter.Destination(disk, path, 1, 1), new byte[0], queue);
            } finally {
                io.giveBack(queue);
            }
        }
    }
}
