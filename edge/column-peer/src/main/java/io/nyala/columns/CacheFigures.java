package io.nyala.columns;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.nyala.cfile.CFileReader;
import io.nyala.cfile.CFileWriter;
import io.nyala.cfile.CellKind;
import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.ColumnSpec;
import io.nyala.cfile.ColumnWriter;
import io.nyala.cfile.CompressionHint;
import io.nyala.cfile.PageCache;
import io.nyala.encoding.DecoderScratch;
import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * How often pages are found in our cache, for the orders of requests that tell caches apart, beside the same
 * requests to a cache that drops what was longest unused (LRU), and to Caffeine: all with room for as many pages.
 *
 * <pre>{@code
 * perf/run cache [REQUESTS]
 * }</pre>
 *
 * Requests go through cursors to pages of a real file, of three vectors each: a look-up goes to one of them, a scan to
 * all, and lets go of the page after each.
 */
public final class CacheFigures {
    private static final int DEFAULT_REQUESTS = 300_000;
    private static final int PAGES = 4_000;
    private static final int[] ROOMS = {200, 400, 2_000};
    private static final double ZIPF = 0.99;
    private static final int SCAN_EVERY = 5;
    private static final long MEMORY_BYTES = 256 << 20;

    /** As many as a page of the smallest size has room for, of random bytes. */
    private static final int PAGE_VECTORS = 3;

    private final MemoryAccount account;
    private final IoPool io;
    private final CFileReader.Source source;
    private final int requests;

    private CacheFigures(MemoryAccount account, IoPool io, CFileReader.Source source, int requests) {
        this.account = account;
        this.io = io;
        this.source = source;
        this.requests = requests;
    }

    /** Orders of requests. */
    private enum Trace {
        LOOP("all pages in turn, again and again"),
        ZIPF("by Zipf's law, 0.99"),
        SCAN_AND_ZIPF("by Zipf's law, a fifth of them a scan of all pages, again and again"),
        SHIFTING("by Zipf's law, other pages after each tenth");

        private final String title;

        Trace(String title) {
            this.title = title;
        }

        int[] draw(int requests) {
            var random = new SplittableRandom(7);
            double[] ends = zipfEnds();
            int[] pages = new int[requests];
            int scanned = 0;
            for (int i = 0; i < requests; i++) {
                pages[i] = switch (this) {
                    case LOOP -> i % PAGES;
                    case ZIPF -> scatter(zipf(ends, random));
                    case SCAN_AND_ZIPF -> isScan(i) ? scanned++ % PAGES : scatter(zipf(ends, random));
                    case SHIFTING -> scatter(zipf(ends, random) + i / (requests / 10) * (PAGES / 10));
                };
            }
            return pages;
        }

        boolean isScan(int request) {
            return this == LOOP || (this == SCAN_AND_ZIPF && request % SCAN_EVERY == 0);
        }

        /** Neighbours in popularity are not neighbours in the file. */
        private static int scatter(int rank) {
            return (int) (rank * 2_654_435_761L % PAGES);
        }

        private static double[] zipfEnds() {
            double[] ends = new double[PAGES];
            double sum = 0;
            for (int i = 0; i < PAGES; i++) {
                sum += 1 / Math.pow(i + 1.0, CacheFigures.ZIPF);
                ends[i] = sum;
            }
            return ends;
        }

        private static int zipf(double[] ends, SplittableRandom random) {
            double drawn = random.nextDouble() * ends[PAGES - 1];
            int low = 0;
            int high = PAGES - 1;
            while (low < high) {
                int middle = (low + high) >>> 1;
                if (ends[middle] < drawn) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            return low;
        }
    }

    public static void main(String[] arguments) throws IOException {
        print(arguments.length > 0 ? Integer.parseInt(arguments[0]) : DEFAULT_REQUESTS);
    }

    /** Prints a table. */
    static void print(int requests) throws IOException {
        Path directory = Files.createTempDirectory("cache");
        Path path = directory.resolve("pages");
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), MEMORY_BYTES);
                MemoryAccount account = budget.account("cache", 0);
                Disk disk = Disks.channel();
                IoPool io = new IoPool(disk, 1, 16)) {
            write(account, disk, io, path);
            var figures = new CacheFigures(account, io, new CFileReader.Source(disk, path, 1, 1), requests);
            System.out.printf(Locale.ROOT, "%,d requests for %,d pages; pages found, %%.%n%n", requests, PAGES);
            System.out.println("| requests | room for pages | ours | LRU | Caffeine |");
            System.out.println("|---|---|---|---|---|");
            for (Trace trace : Trace.values()) {
                int[] pages = trace.draw(requests);
                for (int room : ROOMS) {
                    System.out.printf(
                            Locale.ROOT,
                            "| %s | %,d | %.1f | %.1f | %.1f |%n",
                            trace.title,
                            room,
                            figures.percent(figures.ours(trace, pages, room)),
                            figures.percent(leastRecentlyUsed(pages, room)),
                            figures.percent(caffeine(pages, room)));
                }
            }
        } finally {
            Files.deleteIfExists(path);
            Files.delete(directory);
        }
    }

    private static void write(MemoryAccount account, Disk disk, IoPool io, Path path) {
        var random = new SplittableRandom(1);
        byte[] cells = new byte[ColumnSpec.VECTOR_ROWS];
        try (CFileWriter writer = new CFileWriter(account)) {
            ColumnWriter column = writer.addColumn(ColumnSpec.of(0, "c", CellKind.INT8)
                    .withCompression(CompressionHint.NONE)
                    .withPageBytes(1)); // As small as may be.
            for (int vector = 0; vector < PAGES * PAGE_VECTORS; vector++) {
                random.nextBytes(cells);
                column.appendAll(MemorySegment.ofArray(cells), 0, cells.length);
            }
            IoQueue queue = io.borrow();
            writer.finish(new CFileWriter.Destination(disk, path, 1, 1), new byte[0], queue);
            io.giveBack(queue);
        }
    }

    private double percent(long hits) {
        return 100.0 * hits / requests;
    }

    private long ours(Trace trace, int[] pages, int room) {
        long pageBytes = pageBytes();
        try (PageCache cache = new PageCache(account, io, room * pageBytes)) {
            try (CFileReader reader = CFileReader.open(source, cache, account);
                    DecoderScratch scratch = new DecoderScratch(account);
                    ColumnCursor scan = reader.column(0).forwardCursor(scratch);
                    ColumnCursor lookUp = reader.column(0).cursor(scratch)) {
                long sum = 0;
                for (int i = 0; i < pages.length; i++) {
                    int first = pages[i] * PAGE_VECTORS;
                    boolean isScan = trace.isScan(i);
                    int end = first + (isScan ? PAGE_VECTORS : 1);
                    for (int vector = first; vector < end; vector++) {
                        ColumnCursor cursor = isScan ? scan : lookUp;
                        cursor.seek(vector);
                        sum += cursor.longAt(0);
                        cursor.release();
                    }
                }
                PageCache.Statistics statistics = cache.statistics();
                if (statistics.pageCount() > room || sum == Long.MIN_VALUE) {
                    throw new IllegalStateException(statistics.pageCount() + " pages, room is for " + room);
                }
                return pages.length - statistics.misses(); // Whatever a hit is: each page is asked for once.
            }
        }
    }

    /** What one page takes in the cache. */
    private long pageBytes() {
        try (PageCache cache = new PageCache(account, io, MEMORY_BYTES / 4);
                CFileReader reader = CFileReader.open(source, cache, account);
                DecoderScratch scratch = new DecoderScratch(account);
                ColumnCursor cursor = reader.column(0).cursor(scratch)) {
            if (reader.column(0).pageCount() != PAGES) {
                throw new IllegalStateException(reader.column(0).pageCount() + " pages, expected " + PAGES);
            }
            cursor.seek(0);
            return cache.statistics().bytes();
        }
    }

    private static long leastRecentlyUsed(int[] pages, int room) {
        var cached = new LinkedHashMap<Integer, Integer>(room, 0.75f, true) {
            private static final long serialVersionUID = 1;

            @Override
            protected boolean removeEldestEntry(Map.Entry<Integer, Integer> eldest) {
                return size() > room;
            }
        };
        long hits = 0;
        for (int page : pages) {
            if (cached.get(page) != null) {
                hits++;
            } else {
                cached.put(page, page);
            }
        }
        return hits;
    }

    private static long caffeine(int[] pages, int room) {
        Cache<Integer, Integer> cache =
                Caffeine.newBuilder().maximumSize(room).executor(Runnable::run).build();
        long hits = 0;
        for (int page : pages) {
            if (cache.getIfPresent(page) != null) {
                hits++;
            } else {
                cache.put(page, page);
                cache.cleanUp();
            }
        }
        return hits;
    }
}
