package io.nyala.cfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.encoding.DecoderScratch;
import io.nyala.encoding.EncodingHint;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryLimitException;
import io.nyala.rows.CellValue;
import io.nyala.rows.Predicate;
import io.nyala.simulation.CountingDisk;
import io.nyala.simulation.Operation;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Goal: the cache stays within its bytes, gives every reader the right page, reads a page once for all who wait for it,
 * and keeps what is used again when a scan goes by. Method: a file of one column of random numbers, seven vectors to a
 * page, in which each vector begins with its number.
 */
@Timeout(300)
final class PageCacheTest {
    private static final int PAGES = 60;
    private static final int PAGE_VECTORS = 7;
    private static final int SLAB_BYTES = 64 << 10;

    private final Files files = new Files(new SplittableRandom(7));

    @BeforeEach
    void write() {
        SplittableRandom random = new SplittableRandom(8);
        try (CFileWriter writer = new CFileWriter(files.account)) {
            ColumnWriter column =
                    writer.addColumn(ColumnSpec.of(0, "c", CellKind.INT64).withCompression(CompressionHint.NONE));
            MemorySegment cell = MemorySegment.ofArray(new long[1]);
            for (int row = 0; row < PAGES * PAGE_VECTORS * ColumnSpec.VECTOR_ROWS; row++) {
                boolean isFirst = row % ColumnSpec.VECTOR_ROWS == 0;
                cell.set(Cells.LONG, 0, isFirst ? row / ColumnSpec.VECTOR_ROWS : random.nextLong());
                column.append(cell, 0, Long.BYTES);
            }
            files.finish(writer, Files.FILE_ID);
        }
    }

    @AfterEach
    void close() {
        files.close();
    }

    private static void touch(ColumnCursor cursor, int page) {
        cursor.seek(page * PAGE_VECTORS);
        assertEquals((long) page * PAGE_VECTORS, cursor.longAt(0));
        cursor.release();
    }

    @RepeatedTest(5)
    void staysWithinItsBytesWhateverIsRead(@Seed SplittableRandom random) {
        int room = random.nextInt(1, 20);
        files.cacheBytes((long) room * SLAB_BYTES);
        try (CFileReader reader = files.open();
                ColumnCursor cursor = reader.column(0).cursor(files.scratch)) {
            assertEquals(PAGES, reader.column(0).pageCount());
            int reads = 2_000;
            for (int i = 0; i < reads; i++) {
                touch(cursor, random.nextBoolean() ? random.nextInt(PAGES) : random.nextInt(3));
                assertTrue(files.cache.statistics().bytes() <= (long) room * SLAB_BYTES);
            }
            var statistics = files.cache.statistics();
            assertEquals(reads, statistics.hits() + statistics.misses());
            assertEquals(statistics.misses() - statistics.pageCount(), statistics.evictions());
        }
        assertEquals(0, files.cache.statistics().pageCount());
    }

    @Test
    void aScanDoesNotEvictWhatIsUsedAgain() {
        files.cacheBytes(10L * SLAB_BYTES);
        try (CFileReader reader = files.open();
                ReadAhead ahead = reader.readAhead(files.account);
                ColumnCursor scan = reader.column(0).cursor(files.scratch, ahead, null);
                ColumnCursor cursor = reader.column(0).cursor(files.scratch)) {
            for (int round = 0; round < 5; round++) {
                for (int page = 0; page < 5; page++) {
                    touch(cursor, page);
                }
            }
            for (int vector = 10 * PAGE_VECTORS; vector < PAGES * PAGE_VECTORS; vector++) { // Five times what fits.
                read(scan, vector);
            }
            long missesBefore = files.cache.statistics().misses();
            for (int page = 0; page < 5; page++) {
                touch(cursor, page);
            }
            assertEquals(missesBefore, files.cache.statistics().misses(), "the scan pushed out what was in use");
        }
    }

    /** As a batch of a scan: at the end of it no page is pinned. */
    private static void read(ColumnCursor scan, int vector) {
        scan.seek(vector);
        assertEquals(vector, scan.longAt(0));
        scan.release();
    }

    @Test
    void aScanVisitsAPageOnceHoweverManyVectorsItHas() {
        try (CFileReader reader = files.open();
                ReadAhead ahead = reader.readAhead(files.account)) {
            for (int scans = 0; scans < 3; scans++) {
                try (ColumnCursor scan = reader.column(0).cursor(files.scratch, ahead, null)) {
                    for (int vector = 0; vector < PAGES * PAGE_VECTORS; vector++) {
                        read(scan, vector);
                    }
                }
                assertEquals(scans * (long) PAGES, files.cache.statistics().hits());
                assertEquals(PAGES, files.cache.statistics().misses());
            }
            try (ColumnCursor forward = reader.column(0).forwardCursor(files.scratch);
                    ColumnCursor any = reader.column(0).cursor(files.scratch)) {
                long hits = files.cache.statistics().hits();
                for (int vector = 0; vector < PAGE_VECTORS; vector++) {
                    read(forward, vector);
                }
                assertEquals(hits + 1, files.cache.statistics().hits());
                for (int vector = 0; vector < PAGE_VECTORS; vector++) {
                    read(any, vector);
                }
                assertEquals(hits + 1 + PAGE_VECTORS, files.cache.statistics().hits(), "each look-up is a visit");
            }
        }
    }

    @Test
    void pinnedPagesStayAndTooManyAreRefused() {
        files.cacheBytes(2L * SLAB_BYTES);
        try (CFileReader reader = files.open();
                ColumnCursor first = reader.column(0).cursor(files.scratch);
                ColumnCursor second = reader.column(0).cursor(files.scratch);
                ColumnCursor third = reader.column(0).cursor(files.scratch)) {
            first.seek(0);
            second.seek(PAGE_VECTORS);
            Failure.expect(
                    MemoryLimitException.class,
                    () -> third.seek(2 * PAGE_VECTORS),
                    "no room for a page of 65,536 bytes in the page cache",
                    "131,072 of 131,072 bytes are taken and all in use",
                    "raise the size of the cache");
            assertEquals(0, first.longAt(0));
            assertEquals(PAGE_VECTORS, second.longAt(0));
            second.release();
            third.seek(2 * PAGE_VECTORS);
            assertEquals(0, first.longAt(0), "a pinned page was overwritten");
            Failure.expect(IllegalStateException.class, reader::close, "is in use while its file is closed");
            first.release();
            third.release();
        }
    }

    @Test
    void aPageIsReadOnceForAllWhoWaitForIt() throws Exception {
        int threads = 4;
        try (CFileReader reader = files.open();
                ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            long readsBefore = files.disk.callCount(Operation.READ);
            for (int page = 0; page < PAGES; page++) {
                int wanted = page;
                CyclicBarrier barrier = new CyclicBarrier(threads);
                await(pool, threads, () -> {
                    try (DecoderScratch scratch = new DecoderScratch(files.account);
                            ColumnCursor cursor = reader.column(0).cursor(scratch)) {
                        barrier.await();
                        touch(cursor, wanted);
                        return null;
                    }
                });
            }
            assertEquals(PAGES, files.cache.statistics().misses());
            assertEquals(PAGES, files.disk.callCount(Operation.READ) - readsBefore);
        }
    }

    private static void await(ExecutorService pool, int threads, Callable<?> work) throws Exception {
        List<Future<?>> done = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            done.add(pool.submit(work));
        }
        for (Future<?> each : done) {
            each.get(120, TimeUnit.SECONDS);
        }
    }

    @Test
    void manyThreadsSeeTheRightPagesWhileTheyAreEvicted(@Seed SplittableRandom random) throws Exception {
        files.cacheBytes(8L * SLAB_BYTES);
        try (CFileReader reader = files.open();
                ExecutorService pool = Executors.newFixedThreadPool(4)) {
            List<Future<?>> done = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                SplittableRandom own = random.split();
                done.add(pool.submit(() -> readAtRandom(reader, own)));
            }
            for (Future<?> each : done) {
                each.get(120, TimeUnit.SECONDS);
            }
        }
        assertEquals(0, files.cache.statistics().pageCount());
    }

    private void readAtRandom(CFileReader reader, SplittableRandom random) {
        try (DecoderScratch scratch = new DecoderScratch(files.account);
                ColumnCursor cursor = reader.column(0).cursor(scratch)) {
            for (int i = 0; i < 2_000; i++) {
                int vector = random.nextInt(4) == 0 ? random.nextInt(reader.vectorCount()) : random.nextInt(40);
                cursor.seek(vector);
                assertEquals(vector, cursor.longAt(0));
            }
        }
    }

    @Test
    void readAheadReadsInLargeUnitsAndOnlyWhatIsWanted() {
        try (CFileReader reader = files.open()) {
            VectorSelection wanted = new VectorSelection(reader.rowCount());
            wanted.removeRange(20 * PAGE_VECTORS, 40 * PAGE_VECTORS);
            assertEquals(40 * PAGE_VECTORS, wanted.count());
            long before = files.disk.callCount(Operation.READ);
            try (ReadAhead ahead = reader.readAhead(files.account);
                    ColumnCursor cursor = reader.column(0).cursor(files.scratch, ahead, wanted)) {
                for (int vector = wanted.next(0); vector >= 0; vector = wanted.next(vector + 1)) {
                    cursor.seek(vector);
                    assertEquals(vector, cursor.longAt(0));
                }
            }
            long reads = files.disk.callCount(Operation.READ) - before;
            assertEquals(40, files.cache.statistics().misses());
            assertTrue(reads >= 10 && reads <= 12, "40 pages of 56 KiB, four to a unit, in " + reads + " reads");
        }
    }

    /** Units of four pages: 15 of them. */
    @Test
    void aScanOfOneColumnHasEightReadsInFlightBesideTheOneItDecodes() {
        var disk = new CountingDisk(files.disk);
        try (IoPool io = new IoPool(disk, 2, 16);
                PageCache cache = new PageCache(files.account, io, 16 << 20);
                CFileReader reader = open(disk, cache);
                ReadAhead ahead = reader.readAhead(files.account);
                ColumnCursor cursor = reader.column(0).cursor(files.scratch, ahead, null)) {
            disk.reset();
            for (int page = 0; page < PAGES; page++) {
                touch(cursor, page);
                assertEquals(Math.min(PAGES / 4, 9 + page / 4), disk.reads(), "reads when page " + page + " is there");
            }
            assertEquals(9, disk.inFlightMost());
            assertTrue(disk.readBytes() / disk.reads() > 128 << 10, disk.readBytes() + " bytes");
        }
    }

    /** As of long strings: each vector is a page, of 400 KiB, of 1 MiB, and of nearly 2 MiB. */
    @ParameterizedTest
    @CsvSource({"400, 9, 6", "1024, 5, 12", "1900, 4, 12", "1024, 2, 4"})
    void pagesThatAreLargerThanAUnitAreReadAheadToo(int cellBytes, int inFlight, int bufferMib) {
        var path = Files.DIRECTORY.resolve("large.cfile");
        int pages = Math.max(6, 12 * 400 / cellBytes); // The writer keeps all of them in memory.
        writeStrings(path, cellBytes, pages);
        var disk = new CountingDisk(files.disk);
        MemoryAccount reader = files.budget.account("reader", 0);
        try (IoPool io = new IoPool(disk, 2, 16);
                PageCache cache = new PageCache(files.account, io, 8 << 20);
                CFileReader file = open(disk, path, cache);
                ReadAhead ahead = file.readAhead(reader, (2L * bufferMib) << 20);
                ColumnCursor cursor = file.column(0).cursor(files.scratch, ahead, null)) {
            disk.reset();
            for (int page = 0; page < pages; page++) {
                cursor.seek(page);
                assertEquals(cellBytes, cursor.cellBytes(page));
                cursor.release();
                assertEquals(Math.min(pages, inFlight + page), disk.reads(), "reads when page " + page + " is there");
            }
            assertEquals(inFlight, disk.inFlightMost());
            assertTrue(reader.peakBytes() <= (long) bufferMib << 20, reader.peakBytes() + " bytes of buffers");
        }
        assertEquals(0, reader.usedBytes());
        reader.close();
    }

    /** Plain, a page of each vector. */
    private void writeStrings(Path path, int cellBytes, int vectors) {
        SplittableRandom random = new SplittableRandom(cellBytes);
        byte[] cell = new byte[cellBytes];
        try (CFileWriter writer = new CFileWriter(files.account)) {
            ColumnWriter column = writer.addColumn(ColumnSpec.of(0, "s", CellKind.BINARY)
                    .withEncoding(EncodingHint.PLAIN)
                    .withCompression(CompressionHint.NONE));
            for (int row = 0; row < vectors * ColumnSpec.VECTOR_ROWS; row++) {
                MemorySegment.ofArray(cell).set(Cells.LONG, 0, random.nextLong());
                column.append(MemorySegment.ofArray(cell), 0, cellBytes);
            }
            IoQueue queue = files.io.borrow();
            try {
                writer.finish(
                        new CFileWriter.Destination(files.disk, path, Files.FILE_ID, Files.OWNER_ID),
                        new byte[0],
                        queue);
            } finally {
                files.io.giveBack(queue);
            }
        }
    }

    @Test
    void columnsShareTheReadsInFlight() {
        for (int columns : List.of(2, 4, 6)) {
            var disk = new CountingDisk(files.disk);
            List<ColumnCursor> cursors = new ArrayList<>();
            try (IoPool io = new IoPool(disk, 2, 32);
                    PageCache cache = new PageCache(files.account, io, 16 << 20);
                    CFileReader reader = open(disk, cache);
                    ReadAhead ahead = reader.readAhead(files.account)) {
                for (int i = 0; i < columns; i++) {
                    cursors.add(reader.column(0).cursor(files.scratch, ahead, null));
                }
                disk.reset();
                for (int i = 0; i < columns; i++) { // As if each were another column: far from the others.
                    touch(cursors.get(i), i * PAGES / columns);
                }
                int aheadOfEach = (8 + columns - 1) / columns;
                assertEquals(columns * (1L + aheadOfEach), disk.reads(), columns + " columns");
                cursors.forEach(ColumnCursor::close);
            }
        }
    }

    @Test
    void aScanThatJumpsAboutReadsTheRightPages(@Seed SplittableRandom random) {
        files.cacheBytes(2L * SLAB_BYTES);
        try (CFileReader reader = files.open();
                ReadAhead ahead = reader.readAhead(files.account);
                ColumnCursor cursor = reader.column(0).cursor(files.scratch, ahead, null)) {
            int page = 0;
            for (int i = 0; i < 500; i++) {
                page = random.nextInt(3) == 0 ? random.nextInt(PAGES) : (page + random.nextInt(7)) % PAGES;
                touch(cursor, page);
            }
        }
    }

    private static CFileReader open(CountingDisk disk, PageCache cache) {
        return open(disk, Files.PATH, cache);
    }

    private static CFileReader open(CountingDisk disk, Path path, PageCache cache) {
        var source = new CFileReader.Source(disk, path, Files.FILE_ID, Files.OWNER_ID);
        return CFileReader.open(source, cache, cache.account());
    }

    @Test
    @Tag("allocation")
    void readingCachedVectorsAllocatesNothing() {
        try (CFileReader reader = files.open();
                Arena arena = Arena.ofConfined();
                ReadAhead ahead = reader.readAhead(files.account);
                ColumnCursor scan = reader.column(0).cursor(files.scratch, ahead, null);
                ColumnCursor cursor = reader.column(0).cursor(files.scratch)) {
            MemorySegment values = arena.allocate(ColumnSpec.VECTOR_ROWS * 8 + 64);
            MemorySegment bitmap = arena.allocate(128);
            ColumnPredicate predicate =
                    ColumnPredicate.of(new Predicate.Range(0, CellValue.ofBytes(new byte[8]), null), CellKind.INT64);
            Allocation.assertNone("70 vectors read, filtered and looked into", () -> {
                for (int vector = 0; vector < 70; vector++) {
                    cursor.seek(vector);
                    cursor.readFixed(values, 0);
                    cursor.readValidity(bitmap, 0);
                    cursor.and(predicate, bitmap, 0);
                    assert cursor.longAt(0) == values.get(Cells.LONG, 0);
                    scan.seek(vector);
                    scan.release();
                }
            });
        }
    }
}
