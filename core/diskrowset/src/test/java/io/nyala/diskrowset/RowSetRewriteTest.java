package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.CorruptPageException;
import io.nyala.diskrowset.RowModel.Style;
import io.nyala.io.IoQueue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.RowSource;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a rowset of which only some columns are written again is the same, row by row and version by version, as one
 * of which all are, and its pages are whole; what is damaged is not copied. Method: random rows with histories, deleted
 * and inserted again among them, and random changes in delta files, against the other way and against a map of all
 * versions; a bit of a page turned.
 */
final class RowSetRewriteTest {
    private static final Path DIRECTORY = Path.of("/data");
    private static final long DELTAS = 20;
    private static final long REWRITTEN = 30;
    private static final long MERGED = 40;
    private static final long NO_MARK = 0;

    private SimulatedDisk disk;
    private RowSetFiles files;
    private SplittableRandom random;

    @BeforeEach
    void open(@Seed SplittableRandom seeded) {
        random = seeded;
        disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        files = new RowSetFiles(disk, DIRECTORY);
    }

    /** Few enough changes that some columns have none. */
    @RepeatedTest(4)
    void itIsAsIfAllColumnsWereWrittenAgain() {
        int rowCount = random.nextInt(1, 1 << random.nextInt(1, 13));
        RowModel model = new RowModel(RowModel.drawSchema(random));
        model.fill(random, rowCount, new Style(0.2, 4, 40));
        files.write(model);
        DiskRowSet present = files.open(model);
        long mark = NO_MARK;
        for (int round = 0; round < 2; round++) {
            List<DeltaFile> deltas = change(model, present, new Style(3.0 / rowCount, 2, 40), round);
            mark = random.nextBoolean() ? mark : random.nextLong(Math.max(mark, RowModel.TIME_MIN), RedoModel.TIME_MAX);
            RowSetRewrite rewrite = rewrite(present, model.schema, deltas).orElseThrow();
            long fileId = REWRITTEN + round;
            write(rewrite.source(mark, files.account), rewrite.writer(files.account), fileId);
            write(
                    new RowSetSource(present, model.schema, mark, List.copyOf(deltas), files.account),
                    new RowSetWriter(model.schema, files.account),
                    MERGED + round);
            DiskRowSet rewritten = open(model.schema, fileId);
            try (DiskRowSet merged = open(model.schema, MERGED + round)) {
                checkSame(merged, rewritten, model.schema);
            }
            rewritten.verify();
            assertTrue(rewrite.copiedPageCount() > 2, () -> rewrite.copiedPageCount() + " pages");
            checkScans(rewritten, model, mark);
            deltas.forEach(DeltaFile::close);
            present.close();
            present = rewritten;
        }
        present.close();
        close();
    }

    private List<DeltaFile> change(RowModel model, DiskRowSet rowSet, Style style, int round) {
        DeltaBase base = DeltaBase.of(rowSet);
        RedoModel redo = new RedoModel(model, random);
        if (round == 0) { // Times of a second round would lie among those of the first.
            redo.draw(style, true);
        }
        redo.reading.isIn = true;
        List<DeltaFile> deltas = new ArrayList<>();
        for (DeltaSource source : redo.split(2)) {
            long fileId = DELTAS + deltas.size();
            if (((ListedDeltas) source).changes().stream().anyMatch(change -> change.bytes().length > 4)) {
                files.write(model.schema, base, source, fileId);
                deltas.add(files.openDelta(fileId, base));
            }
        }
        return deltas;
    }

    private static Optional<RowSetRewrite> rewrite(DiskRowSet rowSet, Schema schema, List<DeltaFile> deltas) {
        return RowSetRewrite.of(rowSet, schema, List.copyOf(deltas));
    }

    private void write(RowSource rows, RowSetWriter target, long fileId) {
        IoQueue queue = files.io.borrow();
        try (rows;
                target) {
            while (rows.next()) {
                target.append(rows);
            }
            target.finish(files.file(fileId), queue);
        } finally {
            files.io.giveBack(queue);
        }
    }

    private DiskRowSet open(Schema schema, long fileId) {
        return DiskRowSet.open(files.file(fileId), schema, files.cache, files.account, files.lookups);
    }

    private void checkSame(DiskRowSet expected, DiskRowSet found, Schema schema) {
        assertEquals(expected.deletedCount(), found.deletedCount());
        assertEquals(expected.newestChange(), found.newestChange());
        try (RowSetSource one = new RowSetSource(expected, schema, NO_MARK, List.of(), files.account);
                RowSetSource other = new RowSetSource(found, schema, NO_MARK, List.of(), files.account)) {
            while (one.next()) {
                assertTrue(other.next(), "fewer rows");
                assertEquals(text(one), text(other));
            }
            assertFalse(other.next(), "more rows");
        }
    }

    private static String text(RowSource row) {
        List<Object> all = new ArrayList<>(List.of(row.insertTime(), row.isDeleted(), row.newestChange()));
        all.add(bytes(row, row.keyOffset(), row.keyBytes()));
        all.add(bytes(row, row.rowOffset(), row.rowBytes()));
        for (int i = 0; i < row.historyCount(); i++) {
            all.add(row.historyTime(i) + ": " + bytes(row, row.historyOffset(i), row.historyBytes(i)));
        }
        return all.toString();
    }

    private static String bytes(RowSource row, long offset, int bytes) {
        return HexFormat.of().formatHex(row.memory().asSlice(offset, bytes).toArray(ValueLayout.JAVA_BYTE));
    }

    private void checkScans(DiskRowSet rowSet, RowModel model, long mark) {
        var probes = new RowSetProbes(model, random);
        for (int i = 0; i < 6; i++) {
            long snapshot = random.nextLong(Math.max(mark, RowModel.TIME_MIN), RedoModel.TIME_MAX);
            ScanSpec spec = i == 0 ? ScanSpec.all(model.schema, snapshot) : probes.drawSpec();
            probes.checkScan(rowSet, spec.withSnapshot(snapshot), files.account);
        }
    }

    private void close() {
        files.close();
        assertEquals(0, disk.openFileCount());
    }

    /** A checksum that is made anew must not make good what was bad. */
    @RepeatedTest(4)
    void aDamagedPageIsNotCopied() {
        RowModel model =
                new RowModel(Schema.of(Column.key("k", ColumnType.INT64), Column.of("text", ColumnType.STRING)));
        model.fill(random, 2_000, new Style(0, 0, 40));
        files.write(model);
        try (DiskRowSet rowSet = files.open(model)) {
            RowSetRewrite rewrite = rewrite(rowSet, model.schema, List.of()).orElseThrow();
            long bytesOfPages = rowSet.column(0).bytes() + rowSet.column(1).bytes();
            disk.flipBit(rowSet.path(), random.nextLong(4096, 4096 + bytesOfPages), random.nextInt(8));
            CorruptPageException thrown = assertThrows(
                    CorruptPageException.class,
                    () -> write(rewrite.source(NO_MARK, files.account), rewrite.writer(files.account), REWRITTEN));
            assertEquals(rowSet.path(), thrown.file());
            assertFalse(disk.exists(files.file(REWRITTEN).path()), "a file of damaged pages is left");
        }
        close();
    }

    /** Rows of before in its history are as its columns were. */
    @Test
    void aRowSetOfOtherColumnsIsWrittenAgainAsAWhole() {
        Schema before = Schema.of(Column.key("k", ColumnType.INT64), Column.of("v", ColumnType.STRING));
        RowModel model = new RowModel(before);
        model.fill(random, 10, new Style(0, 0, 40));
        files.write(model);
        List<Column> columns = new ArrayList<>(before.columns());
        columns.add(Column.of("added", ColumnType.INT64).nullable().withId(2));
        Schema wider = new Schema(1, 3, columns);
        Schema narrower = new Schema(1, 3, before.columns().subList(0, 1));
        for (Schema after : List.of(wider, narrower)) {
            try (DiskRowSet rowSet = files.open(model.evolved(after))) {
                assertEquals(Optional.empty(), rewrite(rowSet, after, List.of()));
            }
        }
        close();
    }
}
