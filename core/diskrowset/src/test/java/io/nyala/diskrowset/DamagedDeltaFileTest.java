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
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: no damage to a delta file goes unseen, and none leads to a wrong row. Method: a bit of every byte of a small
 * file is flipped, one after the other; then files that are another's, or cut.
 */
final class DamagedDeltaFileTest {
    private static final Path DIRECTORY = Path.of("/data");
    private static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT16),
            Column.of("n", ColumnType.INT64),
            Column.of("s", ColumnType.STRING).nullable());

    private SplittableRandom random = new SplittableRandom(1);
    private SimulatedDisk disk = new SimulatedDisk(random);
    private final RowModel model = new RowModel(SCHEMA);
    private DeltaBase base = new DeltaBase(0, 0);

    @BeforeEach
    void fill(@Seed SplittableRandom seeded) {
        random = seeded;
        disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        model.fill(random, 40, new Style(0, 1, 12));
    }

    /** The rowset, and a file of changes of its rows, of which the model knows. */
    private void write(RowSetFiles files) {
        files.write(model);
        base = new DeltaBase(RowSetFiles.FILE_ID, model.rows.size());
        RedoModel redo = new RedoModel(model, random);
        redo.draw(new Style(0.9, 3, 12), true);
        redo.reading.isIn = true;
        files.write(SCHEMA, base, redo.split(1).getFirst(), 8);
    }

    @Test
    void everyFlippedByteIsNoticed() {
        var probes = new RowSetProbes(model, random);
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20)) {
            write(files);
            Path path = files.file(8).path();
            long fileBytes = disk.contents(path).length;
            long usedBefore = files.budget.usedBytes();
            for (long position = 0; position < fileBytes; position++) {
                int bit = random.nextInt(8);
                disk.flipBit(path, position, bit);
                CorruptPageException noticed = read(files, probes);
                if (noticed == null) {
                    throw new AssertionError("a flipped bit of byte " + position + " of " + fileBytes + " went unseen");
                }
                assertEquals(path, noticed.file());
                assertTrue(noticed.offset() <= position, "byte " + position + " was found at " + noticed.offset());
                disk.flipBit(path, position, bit);
                files.forget();
                assertEquals(usedBefore, files.budget.usedBytes(), "after byte " + position);
            }
            assertEquals(null, read(files, probes));
        }
        assertEquals(0, disk.openFileCount());
    }

    /** Reads everything: first as queries do, each of which is right or fails, then the whole file. */
    private @Nullable CorruptPageException read(RowSetFiles files, RowSetProbes probes) {
        try (DiskRowSet rowSet = files.open(model);
                DeltaFile file = files.openDelta(8, base)) {
            CorruptPageException noticed = null;
            ScanSpec spec = ScanSpec.all(SCHEMA, random.nextBoolean() ? Long.MAX_VALUE : RedoModel.TIME_MIN + 500);
            try {
                probes.checkScan(spec, files.account, () -> rowSet.scan(spec, files.account, () -> List.of(file)));
            } catch (CorruptPageException e) {
                noticed = e;
            }
            try {
                file.verify();
            } catch (CorruptPageException e) {
                return e;
            }
            assertEquals(null, noticed, "a query failed, but the file is whole");
            return null;
        } catch (CorruptPageException e) {
            return e;
        } catch (UnsupportedFormatException e) {
            throw new AssertionError("a flipped bit is no version", e);
        }
    }

    @Test
    void anotherFileAndACutOneAreRefused() {
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20)) {
            write(files);
            RowSetFile file = files.file(8);
            expectCorrupt(files, new RowSetFile(disk, file.path(), 9, RowSetFiles.TABLET_ID));
            expectCorrupt(files, new RowSetFile(disk, file.path(), 8, 4));
            expectCorrupt(files, new RowSetFile(disk, files.path(), RowSetFiles.FILE_ID, RowSetFiles.TABLET_ID));
            byte[] whole = disk.contents(file.path());
            for (int bytes = 0; bytes < whole.length; bytes += random.nextInt(1, 900)) {
                disk.setContents(file.path(), Arrays.copyOf(whole, bytes));
                expectCorrupt(files, file);
            }
        }
        assertEquals(0, disk.openFileCount());
    }

    private void expectCorrupt(RowSetFiles files, RowSetFile file) {
        long usedBefore = files.budget.usedBytes();
        Failure.expect(
                CorruptPageException.class,
                () -> DeltaFile.open(file, base, files.cache, files.account),
                file.path().toString());
        assertEquals(usedBefore, files.budget.usedBytes());
    }
}
