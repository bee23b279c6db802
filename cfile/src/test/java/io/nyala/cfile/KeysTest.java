package io.nyala.cfile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.encoding.EncodingHint;
import io.nyala.memory.MemoryAccount;
import io.nyala.simulation.Operation;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: each key is found where it is, and nearly all others are refused without a read. Method: files of random keys,
 * of one column and of two, against sorted collections.
 */
final class KeysTest {
    /** Keys of one column: then the encoded key of a string column is the string itself. */
    @RepeatedTest(10)
    void findsEveryStringKey(@Seed SplittableRandom random) {
        TreeSet<byte[]> sorted = new TreeSet<>(Arrays::compareUnsigned);
        int count = random.nextInt(1, 6_000);
        while (sorted.size() < count) {
            byte[] key = new byte[random.nextInt(random.nextBoolean() ? 4 : 20)];
            random.nextBytes(key);
            sorted.add(key);
        }
        List<byte[]> keys = new ArrayList<>(sorted);
        TestColumn column =
                new TestColumn(ColumnSpec.of(0, "key", CellKind.BINARY).key(), new ArrayList<>(keys));
        try (Files files = new Files(random.split())) {
            files.write(List.of(column), keys);
            try (CFileReader reader = files.open();
                    ColumnCursor cursor = reader.column(0).cursor(files.scratch)) {
                KeyIndex index = Objects.requireNonNull(reader.keyIndex());
                KeyFilter filter = Objects.requireNonNull(reader.keyFilter());
                assertArrayEquals(keys.getFirst(), index.minKey());
                assertArrayEquals(keys.getLast(), index.maxKey());
                ColumnCursor[] cursors = {cursor};
                for (int i = 0; i < keys.size(); i++) {
                    MemorySegment key = MemorySegment.ofArray(keys.get(i));
                    assertTrue(filter.mayContain(key, 0, keys.get(i).length));
                    assertEquals(i, row(index, cursors, key, new long[1], new int[] {keys.get(i).length}));
                }
                for (int i = 0; i < 200; i++) {
                    byte[] absent = new byte[random.nextInt(10)];
                    random.nextBytes(absent);
                    int expected = sorted.headSet(absent).size();
                    MemorySegment key = MemorySegment.ofArray(absent);
                    assertEquals(expected, lowerBound(index, cursor, key, absent.length));
                }
            }
        }
    }

    /** Of a long footer more is read, and of the sections before it. */
    @ParameterizedTest
    @CsvSource({"3, 2", "70000, 4"})
    void openingReadsTheHeaderAndTheEndWhateverIsThere(int metadataBytes, int reads, @Seed SplittableRandom random) {
        List<byte[]> keys = List.of(new byte[] {1}, new byte[] {2}, new byte[] {3});
        var column = new TestColumn(ColumnSpec.of(0, "key", CellKind.BINARY).key(), new ArrayList<>(keys));
        byte[] metadata = new byte[metadataBytes];
        random.nextBytes(metadata);
        try (Files files = new Files(random.split());
                CFileWriter writer = new CFileWriter(files.account)) {
            column.writeTo(writer.addColumn(column.spec()));
            KeyWriter keyWriter = writer.addKeys(KeyFilter.RATE_DEFAULT);
            keys.forEach(key -> Files.append(keyWriter, key));
            files.finish(writer, Files.FILE_ID, metadata);
            long before = files.disk.callCount(Operation.READ);
            try (CFileReader reader = files.open()) {
                assertEquals(reads, files.disk.callCount(Operation.READ) - before);
                assertArrayEquals(metadata, reader.metadata());
                assertArrayEquals(
                        keys.getLast(),
                        Objects.requireNonNull(reader.keyIndex()).maxKey());
            }
        }
    }

    /** A cache that is full of pages in use keeps nobody from opening a file, and small files stay small in memory. */
    @Test
    void openingTakesOneSlabAndNothingOfTheCache() {
        try (Files files = new Files(new SplittableRandom(1))) {
            List<byte[]> keys = List.of(new byte[] {1}, new byte[] {2}, new byte[] {3});
            var column = new TestColumn(ColumnSpec.of(0, "key", CellKind.BINARY).key(), new ArrayList<>(keys));
            files.write(List.of(column), keys);
            MemoryAccount nothing = files.budget.account("cache", 0);
            nothing.close();
            long usedBefore = files.budget.usedBytes();
            try (PageCache cache = new PageCache(nothing, files.io, 1 << 20);
                    CFileReader reader = CFileReader.open(
                            new CFileReader.Source(files.disk, Files.PATH, Files.FILE_ID, Files.OWNER_ID),
                            cache,
                            files.account)) {
                assertEquals(4 << 10, files.budget.usedBytes() - usedBefore);
                KeyIndex index = Objects.requireNonNull(reader.keyIndex());
                assertArrayEquals(keys.getLast(), index.maxKey());
            }
        }
    }

    private static final int DENSE_KEYS = 60_000;

    /** Keys 0 to {@link #DENSE_KEYS}, excluded, as most keys are: dense. The column is what a scan reads. */
    private static void writeDense(Files files, double rate) {
        try (CFileWriter writer = new CFileWriter(files.account)) {
            ColumnWriter column = writer.addColumn(ColumnSpec.of(0, "n", CellKind.INT64)
                    .withEncoding(EncodingHint.PLAIN)
                    .withCompression(CompressionHint.NONE));
            KeyWriter keys = writer.addKeys(rate);
            for (int i = 0; i < DENSE_KEYS; i++) {
                column.append(dense(i), 0, Long.BYTES);
                keys.append(dense(i), 0, Long.BYTES);
            }
            files.finish(writer, Files.FILE_ID);
        }
    }

    private static MemorySegment dense(long number) {
        MemorySegment key = MemorySegment.ofArray(new byte[Long.BYTES]);
        key.set(Cells.LONG, 0, Long.reverseBytes(number));
        return key;
    }

    /** How many of so many keys that are not there may be there. */
    private static int falsePositives(KeyFilter filter, int count) {
        int passed = 0;
        for (int i = 0; i < count; i++) {
            passed += filter.mayContain(dense(DENSE_KEYS + i), 0, Long.BYTES) ? 1 : 0;
        }
        return passed;
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.01, 0.001, KeyFilter.RATE_DEFAULT})
    void asManyOtherKeysPassTheFilterAsItWasAskedFor(double rate) {
        try (Files files = new Files(new SplittableRandom(1))) {
            writeDense(files, rate);
            try (CFileReader reader = files.open()) {
                KeyFilter filter = Objects.requireNonNull(reader.keyFilter());
                for (int i = 0; i < DENSE_KEYS; i++) {
                    assertTrue(filter.mayContain(dense(i), 0, Long.BYTES), "key " + i + " is there");
                }
                double measured = falsePositives(filter, 400_000) / 400_000.0;
                assertTrue(measured < 1.5 * rate, measured + " passed, asked for " + rate);
                assertTrue(measured > rate / 3, measured + " passed: larger than was asked for " + rate);
            }
        }
    }

    @Test
    void aRateThatNoFilterHasIsRefused() {
        try (Files files = new Files(new SplittableRandom(1));
                CFileWriter writer = new CFileWriter(files.account)) {
            for (double rate : new double[] {0, 1e-7, 0.2, -1, Double.NaN}) {
                Failure.expect(
                        IllegalArgumentException.class,
                        () -> writer.addKeys(rate),
                        "between 1.0E-6 and 0.1, was " + rate);
            }
        }
    }

    /** However many keys a file has, what stays of it is small: the filter is read, and leaves, by pages. */
    @Test
    void aFilterIsReadByPagesAndTakesNoMemoryOfItsOwn() {
        try (Files files = new Files(new SplittableRandom(1))) {
            writeDense(files, KeyFilter.RATE_DEFAULT);
            files.cacheBytes(64 << 10);
            long usedBefore = files.budget.usedBytes();
            try (CFileReader reader = files.open()) {
                KeyFilter filter = Objects.requireNonNull(reader.keyFilter());
                assertTrue(files.budget.usedBytes() - usedBefore <= 8 << 10, "a filter stays in memory");
                int pages = filter.page(-1) + 1;
                assertTrue(pages >= 10, pages + " pages");
                for (int i = 0; i < DENSE_KEYS; i += 7) {
                    assertTrue(filter.mayContain(dense(i), 0, Long.BYTES), "key " + i + " is there");
                }
                assertTrue(files.cache.statistics().bytes() <= 64 << 10);
                assertTrue(files.cache.statistics().evictions() > pages, "pages never left");
            }
        }
    }

    /** Pages that are asked again and again stay, while a scan passes that reads more than there is room for. */
    @Test
    void aScanLeavesTheFilterInTheCache() {
        try (Files files = new Files(new SplittableRandom(1))) {
            writeDense(files, KeyFilter.RATE_DEFAULT);
            files.cacheBytes(384 << 10);
            try (CFileReader reader = files.open();
                    ColumnCursor cursor = reader.column(0).cursor(files.scratch)) {
                KeyFilter filter = Objects.requireNonNull(reader.keyFilter());
                falsePositives(filter, 2_000);
                for (int vector = 0; vector < reader.vectorCount(); vector++) {
                    cursor.seek(vector);
                }
                long misses = files.cache.statistics().misses();
                assertTrue(misses > 15, misses + " misses: that was no scan");
                falsePositives(filter, 2_000);
                assertEquals(misses, files.cache.statistics().misses(), "what is asked for was read again");
            }
        }
    }

    /** The row that has the key, or -1. */
    private static int row(KeyIndex index, ColumnCursor[] columns, MemorySegment key, long[] offsets, int[] bytes) {
        int vector = index.find(key, 0, (int) key.byteSize());
        if (vector < 0) {
            return -1;
        }
        for (ColumnCursor column : columns) {
            column.seek(vector);
        }
        int row = KeySearch.lowerBound(columns, key, offsets, bytes);
        boolean found = row < columns[0].rowCount() && KeySearch.compare(columns, row, key, offsets, bytes) == 0;
        return found ? vector * ColumnSpec.VECTOR_ROWS + row : -1;
    }

    private static int lowerBound(KeyIndex index, ColumnCursor cursor, MemorySegment key, int bytes) {
        int vector = index.floor(key, 0, bytes);
        cursor.seek(vector);
        ColumnCursor[] cursors = {cursor};
        return vector * ColumnSpec.VECTOR_ROWS + KeySearch.lowerBound(cursors, key, new long[1], new int[] {bytes});
    }

    @RepeatedTest(5)
    void findsKeysOfTwoColumns(@Seed SplittableRandom random) {
        TreeMap<Long, TreeSet<Integer>> rows = new TreeMap<>();
        for (int i = 0; i < 5_000; i++) {
            rows.computeIfAbsent(random.nextLong(-300, 300), _ -> new TreeSet<>())
                    .add(random.nextInt(-50, 50));
        }
        List<byte[]> encoded = new ArrayList<>();
        List<byte[]> cells = new ArrayList<>();
        List<byte[]> first = new ArrayList<>();
        List<byte[]> second = new ArrayList<>();
        rows.forEach((a, all) -> all.forEach(b -> {
            byte[] cell = new byte[12];
            MemorySegment.ofArray(cell).set(Cells.LONG, 0, a);
            MemorySegment.ofArray(cell).set(Cells.INT, 8, b);
            byte[] key = new byte[12];
            MemorySegment.ofArray(key).set(Cells.LONG, 0, Long.reverseBytes(a ^ Long.MIN_VALUE));
            MemorySegment.ofArray(key).set(Cells.INT, 8, Integer.reverseBytes(b ^ Integer.MIN_VALUE));
            encoded.add(key);
            cells.add(cell);
            first.add(Arrays.copyOf(cell, 8));
            second.add(Arrays.copyOfRange(cell, 8, 12));
        }));
        TestColumn a = new TestColumn(ColumnSpec.of(0, "a", CellKind.INT64).key(), new ArrayList<>(first));
        TestColumn b = new TestColumn(ColumnSpec.of(1, "b", CellKind.INT32).key(), new ArrayList<>(second));
        try (Files files = new Files(random.split())) {
            files.write(List.of(a, b), encoded);
            try (CFileReader reader = files.open();
                    ColumnCursor left = reader.column(0).cursor(files.scratch);
                    ColumnCursor right = reader.column(1).cursor(files.scratch)) {
                KeyIndex index = Objects.requireNonNull(reader.keyIndex());
                ColumnCursor[] columns = {left, right};
                for (int i = 0; i < cells.size(); i++) {
                    int vector = index.find(MemorySegment.ofArray(encoded.get(i)), 0, 12);
                    assertEquals(i / ColumnSpec.VECTOR_ROWS, vector);
                    left.seek(vector);
                    right.seek(vector);
                    MemorySegment cell = MemorySegment.ofArray(cells.get(i));
                    int row = KeySearch.lowerBound(columns, cell, new long[] {0, 8}, new int[] {8, 4});
                    assertEquals(i % ColumnSpec.VECTOR_ROWS, row);
                }
            }
        }
    }

    @Test
    void keysThatDoNotAscendAreRefused() {
        try (Files files = new Files(new SplittableRandom(1));
                CFileWriter writer = new CFileWriter(files.account)) {
            KeyWriter keys = writer.addKeys(KeyFilter.RATE_DEFAULT);
            keys.append(MemorySegment.ofArray(new byte[] {1, 2}), 0, 2);
            Failure.expect(
                    IllegalArgumentException.class,
                    () -> keys.append(MemorySegment.ofArray(new byte[] {1, 2}), 0, 2),
                    "keys must ascend",
                    "row 1");
        }
    }
}
