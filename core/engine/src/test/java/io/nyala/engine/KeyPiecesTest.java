package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyRange;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import io.nyala.table.KeyPieces;
import io.nyala.table.ScanToken;
import io.nyala.testkit.Seed;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: pieces of a range of keys are disjoint, in order, together the range, and of about the wanted size; scans of
 * them give each row once. Method: random rows in memory, in several rowsets whose keys overlap, changed and deleted
 * since, of any range and size, against one scan of it all.
 */
final class KeyPiecesTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.of("text", ColumnType.STRING).nullable(),
            Column.of("n", ColumnType.INT32));

    private static final int ID_COUNT = 40_000;
    private static final int BATCH_ROWS = 500;
    private static final int[] ALL_COLUMNS = {};

    /** A vector of the rows here, which is not divided, has fewer bytes. */
    private static final long VECTOR_BYTES_MAX = 100_000;

    private static void write(Table table, OperationKind kind, SplittableRandom random, int rows, long from, long to) {
        try (WriteBatch batch = table.newBatch()) {
            for (int i = 0; i < rows; i++) {
                batch.rows().start(kind).setLong(0, random.nextLong(from, to));
                if (!kind.isDelete()) {
                    batch.rows().setString(1, "x".repeat(random.nextInt(60))).setInt(2, random.nextInt());
                }
                batch.rows().end();
                commitIfLarge(batch);
            }
            batch.commit();
        }
    }

    private static void commitIfLarge(WriteBatch batch) {
        if (batch.rows().operationCount() == BATCH_ROWS) {
            batch.commit();
            batch.rows().clear();
        }
    }

    private static Table fill(OneTable one, SplittableRandom random) {
        Table table = one.engine().createTable("pieces", SCHEMA);
        for (int rowSets = random.nextInt(4); rowSets > 0; rowSets--) {
            long from = random.nextInt(ID_COUNT / 2);
            write(table, OperationKind.UPSERT, random, random.nextInt(1, 5_000), from, from + ID_COUNT / 2);
            Numbers.flush(one.running(), table);
            write(table, OperationKind.UPDATE_IGNORE, random, random.nextInt(500), 0, ID_COUNT);
            write(table, OperationKind.DELETE_IGNORE, random, random.nextInt(500), 0, ID_COUNT);
            if (random.nextBoolean()) {
                Numbers.flush(one.running(), table);
            }
        }
        if (random.nextInt(4) > 0) {
            write(table, OperationKind.UPSERT, random, random.nextInt(5_000), 0, ID_COUNT);
        }
        return table;
    }

    private static byte[] key(long id) {
        return ByteBuffer.allocate(Long.BYTES).putLong(id ^ Long.MIN_VALUE).array(); // As keys are encoded.
    }

    private static KeyRange drawRange(SplittableRandom random) {
        byte[] lower = random.nextInt(3) == 0 ? key(random.nextInt(ID_COUNT)) : null;
        byte[] upper = random.nextInt(3) == 0 ? key(random.nextInt(ID_COUNT)) : null;
        return new KeyRange(lower, upper);
    }

    @RepeatedTest(6)
    void areTheRangeAndOfTheWantedSize(@Seed SplittableRandom random) {
        var one = new OneTable(random.split());
        Table table = fill(one, random);
        long tabletId = table.tablets().getFirst().id();
        for (int i = 0; i < 12; i++) {
            KeyRange range = drawRange(random);
            long target = 1L << random.nextInt(8, 24);
            int[] columns = random.nextBoolean() ? ALL_COLUMNS : new int[] {random.nextInt(3)};
            List<KeyPieces.Piece> pieces =
                    table.pieces(tabletId, range, columns, target).orElseThrow();
            if (range.isEmpty()) {
                assertEquals(List.of(), pieces);
                continue;
            }
            byte[] end = range.lower();
            for (KeyPieces.Piece piece : pieces) {
                assertBound(end, piece.keys().lower());
                assertTrue(pieces.size() == 1 || !piece.keys().isEmpty(), "an empty piece");
                end = piece.keys().upper();
            }
            assertBound(range.upper(), end);
            checkSizes(table, pieces, target);
        }
        one.engine().close();
    }

    private static void assertBound(byte @Nullable [] expected, byte @Nullable [] found) {
        if (expected == null) {
            assertNull(found);
        } else {
            assertArrayEquals(expected, found);
        }
    }

    private static void checkSizes(Table table, List<KeyPieces.Piece> pieces, long target) {
        long slack =
                VECTOR_BYTES_MAX * (1 + table.statistics().tablets().getFirst().rowSetCount());
        for (KeyPieces.Piece piece : pieces) {
            assertTrue(piece.bytes() <= 2 * target + slack, () -> piece.bytes() + " of " + target);
        }
        long sum = pieces.stream().mapToLong(KeyPieces.Piece::bytes).sum();
        assertTrue(pieces.size() <= 1 + 2 * sum / target, () -> pieces.size() + " pieces of " + sum);
    }

    /** Rows of one size, on disk nearly as in memory, in the order of their keys: then bytes are rows. */
    @Test
    void haveLikeNumbersOfRows(@Seed SplittableRandom random) {
        var one = new OneTable(random.split());
        Table table = one.engine().createTable("even", SCHEMA);
        for (int part = 0; part < 6; part++) {
            try (WriteBatch batch = table.newBatch()) {
                for (int i = 0; i < 4_000; i++) {
                    batch.rows().start(OperationKind.INSERT).setLong(0, 6L * i + part);
                    batch.rows().setString(1, text(random)).setInt(2, random.nextInt());
                    batch.rows().end();
                    commitIfLarge(batch);
                }
                batch.commit();
            }
            if (part < 5) { // Each has the whole range; the last stays in memory.
                Numbers.flush(one.running(), table);
            }
        }
        long all = table.pieces(table.tablets().getFirst().id(), KeyRange.ALL, ALL_COLUMNS, Long.MAX_VALUE)
                .orElseThrow()
                .getFirst()
                .bytes();
        List<ScanToken> tokens = table.scan().tokens(all / 5);
        assertTrue(tokens.size() >= 4 && tokens.size() <= 6, () -> tokens.size() + " tokens");
        for (ScanToken token : tokens) {
            int rows = ids(one.engine().open(token), new HashSet<>());
            assertTrue(rows > 24_000 / 10 && rows < 24_000 * 2 / 5, () -> rows + " rows of " + tokens.size());
        }
        one.engine().close();
    }

    /** Of so many characters that no encoding finds anything in it. */
    private static String text(SplittableRandom random) {
        return random.ints(16, ' ', 127)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    @RepeatedTest(6)
    void tokensGiveEachRowOnce(@Seed SplittableRandom random) {
        var one = new OneTable(random.split());
        Table table = fill(one, random);
        for (int i = 0; i < 6; i++) {
            long from = random.nextBoolean() ? 0 : random.nextInt(ID_COUNT);
            ScanBuilder scan = table.scan().project("id").where(Predicate.atLeast(SCHEMA, "id", from));
            Set<Long> expected = new HashSet<>();
            int count = ids(scan.open(), expected);
            assertEquals(count, expected.size());
            List<ScanToken> tokens = scan.tokens(1L << random.nextInt(6, 20));
            Set<Long> found = new HashSet<>();
            int foundCount = 0;
            for (ScanToken token : tokens) {
                foundCount += ids(one.engine().open(ScanToken.fromBytes(token.toBytes())), found);
            }
            assertEquals(expected, found);
            assertEquals(count, foundCount, "a row was read twice");
        }
        one.engine().close();
    }

    private static int ids(Scan scan, Set<Long> target) {
        int count = 0;
        try (scan) {
            while (scan.next()) {
                for (int row = 0; row < scan.batch().rowCount(); row++) {
                    target.add(scan.batch().column(0).getLong(row));
                }
                count += scan.batch().rowCount();
            }
        }
        return count;
    }

    @Test
    void anEmptyTabletIsOnePieceAndSmallPiecesAreFew(@Seed SplittableRandom random) {
        var one = new OneTable(random.split());
        Table table = one.engine().createTable("empty", SCHEMA);
        long tabletId = table.tablets().getFirst().id();
        List<KeyPieces.Piece> empty =
                table.pieces(tabletId, KeyRange.ALL, ALL_COLUMNS, 1).orElseThrow();
        assertEquals(1, empty.size());
        assertEquals(0, empty.getFirst().bytes());
        assertEquals(1, table.scan().tokens(1).size());
        for (int i = 0; i < 5; i++) {
            write(table, OperationKind.UPSERT, random, 8_000, 0, 1L << 40);
        }
        int pieces = table.pieces(tabletId, KeyRange.ALL, ALL_COLUMNS, 1)
                .orElseThrow()
                .size();
        assertTrue(pieces > KeyPieces.PIECES_MAX / 2 && pieces <= KeyPieces.PIECES_MAX, () -> pieces + " pieces");
        assertTrue(table.pieces(tabletId + 99, KeyRange.ALL, ALL_COLUMNS, 1).isEmpty(), "a tablet of nobody");
        one.engine().close();
    }

    @Test
    void chosenColumnsCountAlone(@Seed SplittableRandom random) {
        var one = new OneTable(random.split());
        Table table = one.engine().createTable("columns", SCHEMA);
        write(table, OperationKind.UPSERT, random, 8_000, 0, 1L << 40);
        Numbers.flush(one.running(), table);
        write(table, OperationKind.UPSERT, random, 2_000, 0, 1L << 40);
        long[] bytes = Arrays.stream(new int[][] {{0}, {1}, {2}, {0, 1, 2}, {}})
                .mapToLong(
                        columns -> table.pieces(table.tablets().getFirst().id(), KeyRange.ALL, columns, Long.MAX_VALUE)
                                .orElseThrow()
                                .getFirst()
                                .bytes())
                .toArray();
        assertEquals(bytes[3], bytes[0] + bytes[1] + bytes[2]);
        assertTrue(bytes[4] > bytes[3], "all that is beside the columns");
        List<Long> all = new ArrayList<>();
        for (long each : bytes) {
            all.add(each);
        }
        assertTrue(bytes[1] > bytes[2] && bytes[2] > 10_000 * 3, all::toString);
        one.engine().close();
    }
}
