package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.CorruptPageException;
import io.nyala.cfile.UnsupportedFormatException;
import io.nyala.diskrowset.RowModel.Style;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.ReadDamage;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: no damage to a rowset's file goes unseen, and none leads to a wrong row.
 * Method: a bit of every byte of a small file is flipped, one after the other; then files that are another's, or cut.
 */
final class DamagedRowSetTest {
    private static final Path DIRECTORY = Path.of("/data");
    private static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT16), Column.of("s", ColumnType.STRING).nullable());

    private SplittableRandom random = new SplittableRandom(1);
    private SimulatedDisk disk = new SimulatedDisk(random);
    private final RowModel model = new RowModel(SCHEMA);

    @BeforeEach
    void fill(@Seed SplittableRandom seeded) {
        random = seeded;
        disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        model.fill(random, 25, new Style(0.5, 3, 12));
    }

    @Test
    void everyFlippedByteIsNoticed() {
        var probes = new RowSetProbes(model, random);
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20)) {
            long fileBytes = files.write(model).fileBytes();
            long usedBefore = files.usedBytes();
            for (long position = 0; position < fileBytes; position++) {
                int bit = random.nextInt(8);
                disk.flipBit(files.path(), position, bit);
                CorruptPageException noticed = read(files, probes);
                if (noticed == null) {
                    throw new AssertionError("a flipped bit of byte " + position + " of " + fileBytes + " went unseen");
                }
                assertEquals(files.path(), noticed.file());
                assertTrue(noticed.offset() <= position, "byte " + position + " was found at " + noticed.offset());
                assertTrue(
                        String.valueOf(noticed.getMessage()).contains("/data/7.rowset at byte "), noticed.getMessage());
                disk.flipBit(files.path(), position, bit);
                files.forget();
                assertEquals(usedBefore, files.usedBytes(), "after byte " + position);
            }
            assertEquals(null, read(files, probes));
        }
        assertEquals(0, disk.openFileCount());
    }

    /**
     * The file is as it was, but one read lies: queries are right or fail. Reads bring more than was asked for, to the
     * ends of sectors, where a bit may be wrong.
     */
    @Test
    void aReadThatGoesWrongUnseenLeadsToNoWrongRow() {
        var probes = new RowSetProbes(model, random);
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20)) {
            files.write(model);
            for (ReadDamage damage : ReadDamage.values()) {
                boolean isReached = true;
                int noticed = 0;
                for (int read = 0; isReached; read++) {
                    int index = read;
                    int[] seen = {0};
                    disk.damageNextRead(_ -> seen[0]++ == index, damage);
                    CorruptPageException failure = query(files, probes);
                    isReached = seen[0] > index;
                    if (failure != null) {
                        assertEquals(files.path(), failure.file(), damage + " of read " + index);
                        noticed++;
                    }
                    disk.forgetFailures();
                    files.forget();
                }
                assertTrue(
                        noticed > 1 || damage == ReadDamage.FLIPPED, damage + " was noticed in " + noticed + " reads");
            }
            assertEquals(null, read(files, probes));
        }
        assertEquals(0, disk.openFileCount());
    }

    /** As queries do, each of which is right or fails. */
    private @Nullable CorruptPageException query(RowSetFiles files, RowSetProbes probes) {
        try (DiskRowSet rowSet = files.open(model)) {
            probes.checkLookups(rowSet, 5);
            probes.checkScan(rowSet, ScanSpec.all(SCHEMA, Long.MAX_VALUE), files.account);
            return null;
        } catch (CorruptPageException e) {
            return e;
        } catch (UnsupportedFormatException e) {
            throw new AssertionError("a wrong read is no version", e);
        }
    }

    /** Reads everything: first as queries do, each of which is right or fails, then the whole file. */
    private @Nullable CorruptPageException read(RowSetFiles files, RowSetProbes probes) {
        CorruptPageException noticed = null;
        try (DiskRowSet rowSet = files.open(model)) {
            try {
                probes.checkLookups(rowSet, 5);
            } catch (CorruptPageException e) {
                noticed = e;
            }
            try {
                probes.checkScan(rowSet, ScanSpec.all(SCHEMA, Long.MAX_VALUE), files.account);
            } catch (CorruptPageException e) {
                noticed = e;
            }
            try {
                probes.checkScan(rowSet, ScanSpec.all(SCHEMA, 1_500).withKeyOrder(true), files.account);
            } catch (CorruptPageException e) {
                noticed = e;
            }
            CorruptPageException found = noticed;
            try {
                rowSet.verify();
            } catch (CorruptPageException e) {
                return e;
            }
            assertEquals(null, found, "a query failed, but the file is whole");
            return null;
        } catch (CorruptPageException e) {
            return e;
        } catch (UnsupportedFormatException e) {
            throw new AssertionError("a flipped bit is no version", e);
        }
    }

    @Test
    void anotherFileAndAnotherTableAreRefused() {
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20)) {
            files.write(model);
            var otherId = new RowSetFile(disk, files.path(), 8, RowSetFiles.TABLET_ID);
            expectCorrupt(files, otherId, SCHEMA, "7.rowset");
            var otherTablet = new RowSetFile(disk, files.path(), RowSetFiles.FILE_ID, 4);
            expectCorrupt(files, otherTablet, SCHEMA, "7.rowset");
            Schema wider = Schema.of(
                    Column.key("k", ColumnType.INT16),
                    Column.of("s", ColumnType.STRING),
                    Column.of("missing", ColumnType.INT8));
            expectCorrupt(files, files.file(), wider, "7.rowset", "\"missing\"", "id 2");
            Schema typed = Schema.of(Column.key("k", ColumnType.INT64), Column.of("s", ColumnType.STRING));
            expectCorrupt(files, files.file(), typed, "7.rowset", "\"k\"", "INT16", "INT64");
        }
        assertEquals(0, disk.openFileCount());
    }

    private static void expectCorrupt(RowSetFiles files, RowSetFile file, Schema schema, String... parts) {
        long usedBefore = files.usedBytes();
        Failure.expect(
                CorruptPageException.class,
                () -> DiskRowSet.open(file, schema, files.cache, files.account, files.lookups),
                parts);
        assertEquals(usedBefore, files.usedBytes());
    }

    @Test
    void aCutFileIsRefused() {
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20)) {
            files.write(model);
            byte[] whole = disk.contents(files.path());
            for (int bytes = 0; bytes < whole.length; bytes += random.nextInt(1, 900)) {
                disk.setContents(files.path(), Arrays.copyOf(whole, bytes));
                expectCorrupt(files, files.file(), SCHEMA, "7.rowset");
            }
        }
        assertEquals(0, disk.openFileCount());
    }
}
