package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.cfile.CorruptPageException;
import io.nyala.diskrowset.RowModel.Style;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a rowset answers in the columns that its table has now, of which its file has some, under other names perhaps.
 * Method: random rows and histories, then columns are dropped, added and renamed at random, and rows changed; scans
 * against a sorted map of all versions as they are in the new columns.
 */
final class SchemaChangeTest {
    private static final Path DIRECTORY = Path.of("/data");

    @RepeatedTest(6)
    void answersInTheColumnsOfTheTableNow(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        RowModel written = new RowModel(RowModel.drawSchema(random));
        var style = new Style(random.nextDouble(), 4, 60);
        written.fill(random, random.nextInt(1, 3_000), style);
        List<Integer> dropped = new ArrayList<>();
        Schema later = change(written, random, dropped);
        RowModel model = written.evolved(later);
        boolean isOpenedBefore = random.nextBoolean();
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(written);
            int[] droppedIds =
                    dropped.stream().mapToInt(Integer::intValue).limit(2).toArray();
            RedoModel redo = new RedoModel(model, random, droppedIds);
            redo.draw(style, true);
            var probes = new RowSetProbes(model, random);
            // A rowset may be open for longer than its table has the schema.
            try (DiskRowSet rowSet = files.open(isOpenedBefore ? written : model)) {
                for (int i = 0; i < 25; i++) {
                    ScanSpec spec = i == 0 ? ScanSpec.all(later, Long.MAX_VALUE) : probes.drawSpec();
                    var moving = new RedoScanTest.MovingRedo(redo, random);
                    probes.checkScan(
                            spec, files.account, () -> moving.reading(rowSet.scan(spec, files.account, moving)));
                }
            }
        }
        assertEquals(0, disk.openFileCount());
    }

    static Schema change(RowModel model, SplittableRandom random, List<Integer> dropped) {
        List<Column> columns = new ArrayList<>();
        for (Column column : model.schema.columns()) {
            if (!column.isKey() && random.nextInt(4) == 0) {
                dropped.add(column.id());
            } else if (column.isKey() || random.nextInt(4) > 0) {
                columns.add(column);
            } else {
                columns.add(renamed(column));
            }
        }
        int id = model.schema.nextColumnId();
        for (ColumnType type : ColumnType.values()) {
            Column column = Column.of("added " + type, type).withId(id++);
            switch (random.nextInt(4)) {
                case 0 -> columns.add(column.nullable());
                case 1 -> columns.add(withDefault(column.nullable(), model, random));
                case 2 -> columns.add(withDefault(column, model, random));
                default -> {} // Not every type each time.
            }
        }
        return new Schema(model.schema.version() + 1, id, columns);
    }

    private static Column renamed(Column column) {
        return column.withName("renamed " + column.name());
    }

    /** A default that one in two of the predicates' values is, since values are drawn from the model's rows. */
    private static Column withDefault(Column column, RowModel model, SplittableRandom random) {
        @Nullable CellValue value = null;
        int like = model.schema.indexOf("maybe " + column.type());
        while (value == null) {
            value = model.drawCell(random, like, new Style(0, 1, 5_000));
        }
        return new Column(
                column.id(),
                column.name(),
                column.type(),
                column.isKey(),
                column.isNullable(),
                column.isImmutable(),
                column.attributes(),
                isAnyValid(column)
                        ? value
                        : CellValue.ofBytes(new byte[column.type().cellBytes()]),
                null,
                column.encoding(),
                column.compression(),
                column.blockBytes(),
                column.comment());
    }

    /** Whether the type has a value for any bytes. */
    private static boolean isAnyValid(Column column) {
        return !column.type().isDecimal() && column.type() != ColumnType.DATE;
    }

    @Test
    void aColumnWithoutDefaultMustBeInTheFile(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        Schema schema = Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64));
        RowModel model = new RowModel(schema);
        model.fill(random, 10, new Style(0, 1, 8));
        Schema later = new Schema(
                1,
                3,
                List.of(
                        schema.column(0),
                        schema.column(1),
                        Column.of("w", ColumnType.INT64).withId(2)));
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            long usedBefore = files.budget.usedBytes();
            Failure.expect(
                    CorruptPageException.class,
                    () -> DiskRowSet.open(files.file(), later, files.cache, files.account, files.lookups),
                    "7.rowset",
                    "\"w\" (id 2) is missing",
                    "read default");
            assertEquals(usedBefore, files.budget.usedBytes());
            try (DiskRowSet rowSet = files.open(model)) {
                Failure.expect(
                        IllegalArgumentException.class,
                        () -> rowSet.scan(ScanSpec.all(later, Long.MAX_VALUE), files.account),
                        "\"w\" (id 2) is missing");
            }
        }
    }

    @Test
    void aKeyColumnMustBeInTheFile(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        Schema schema = Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64));
        RowModel model = new RowModel(schema);
        model.fill(random, 10, new Style(0, 1, 8));
        Schema other = new Schema(
                1,
                3,
                List.of(
                        schema.column(0),
                        Column.key("l", ColumnType.INT32).withId(2).readDefault(5)));
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            Failure.expect(
                    CorruptPageException.class,
                    () -> DiskRowSet.open(files.file(), other, files.cache, files.account, files.lookups),
                    "\"l\" (id 2) is missing");
        }
    }
}
