package io.nyala.acceptance;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.Schema;
import org.apache.kudu.client.AlterTableOptions;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduTable;

/**
 * A random program of a client: tables made, changed and dropped, rows written and read, and mistakes. It is drawn as a
 * whole, so that it does the same on any cluster. One thread.
 */
final class Program {
    private final String prefix;
    private final SplittableRandom random;
    private final List<DrawnTable> tables = new ArrayList<>();
    private final List<Step> steps = new ArrayList<>();
    private int tablesMade;
    private int snapshotsTaken;

    /**
     * A step.
     *
     * @param text for people
     */
    record Step(String text, ClusterRun.Action action) {}

    /**
     * @param prefix of the names of its tables, so that programs do not meet
     */
    Program(String prefix, SplittableRandom random, int stepCount) {
        this.prefix = prefix;
        this.random = random;
        create();
        while (steps.size() < stepCount) {
            draw();
        }
        for (DrawnTable table : List.copyOf(tables)) {
            read(table);
            drop(table);
        }
    }

    List<Step> steps() {
        return steps;
    }

    private void add(String text, ClusterRun.Action action) {
        steps.add(new Step(text, action));
    }

    private void draw() {
        if (tables.isEmpty()) {
            create();
            return;
        }
        DrawnTable table = tables.get(random.nextInt(tables.size()));
        if (random.nextInt(3) == 0) {
            flush(table);
        }
        switch (random.nextInt(20)) {
            case 0 -> create();
            case 1 -> createAgain(table);
            case 2 -> openMissing();
            case 3, 4 -> alterMaybe(table);
            case 5 -> describe(table);
            case 6 -> list();
            case 7 -> snapshot();
            case 8 -> dropMaybe(table);
            case 9, 10, 11, 12, 13 -> write(table);
            default -> read(table);
        }
    }

    // ---- Tables ----

    private void create() {
        DrawnTable table = new DrawnTable(prefix + tablesMade++, random);
        CreateTableOptions options = table.options(random);
        Schema schema = table.schema();
        tables.add(table);
        add("create " + table.name() + " " + table.columns(), run -> {
            run.client().createTable(table.name(), schema, options);
            return "created";
        });
        write(table);
    }

    private void createAgain(DrawnTable table) {
        Schema schema = table.schema();
        add("create " + table.name() + " again", run -> {
            run.client()
                    .createTable(
                            table.name(),
                            schema,
                            new CreateTableOptions()
                                    .setRangePartitionColumns(List.of())
                                    .setNumReplicas(1));
            return "created";
        });
    }

    private void openMissing() {
        String name = prefix + "missing";
        add("open " + name, run -> run.open(name).getName());
        add("drop " + name, run -> {
            run.client().deleteTable(name);
            return "dropped";
        });
    }

    private void describe(DrawnTable table) {
        add("describe " + table.name(), run -> Describe.table(run.open(table.name())));
    }

    private void list() {
        add(
                "list",
                run -> run.client().getTablesList(prefix).getTablesList().stream()
                        .sorted()
                        .toList()
                        .toString());
    }

    private void snapshot() {
        snapshotsTaken++;
        add("take a snapshot", run -> {
            run.takeSnapshot();
            return "taken";
        });
    }

    private void dropMaybe(DrawnTable table) {
        if (random.nextInt(3) == 0) {
            drop(table);
        }
    }

    private void drop(DrawnTable table) {
        tables.remove(table);
        add("drop " + table.name(), run -> {
            run.client().deleteTable(table.name());
            return "dropped " + run.client().tableExists(table.name());
        });
    }

    // ---- Changes of a table ----

    private void alterMaybe(DrawnTable table) {
        if (table.isAltered()) {
            alter(table);
        } else {
            write(table);
        }
    }

    private void alter(DrawnTable table) {
        switch (random.nextInt(9)) {
            case 0, 1 -> addColumn(table);
            case 8 -> changeSettings(table);
            case 2 -> dropColumn(table);
            case 3 -> renameColumn(table);
            case 4 -> changeColumn(table);
            case 5 -> alter(table, "drop a column that is missing", new AlterTableOptions().dropColumn("none"));
            case 6 -> alter(table, "drop a column of the key", new AlterTableOptions().dropColumn("k0"));
            default -> changeRanges(table);
        }
    }

    private void alter(DrawnTable table, String what, AlterTableOptions options) {
        add("alter " + table.name() + ": " + what, run -> {
            run.client().alterTable(table.name(), options);
            return "altered";
        });
        describe(table);
    }

    private void addColumn(DrawnTable table) {
        ColumnSchema column = table.drawNewColumn(random);
        table.columns().add(column);
        alter(table, "add " + column, new AlterTableOptions().addColumn(column));
    }

    private void dropColumn(DrawnTable table) {
        ColumnSchema column = table.drawValueColumn(random);
        if (column != null) {
            table.columns().remove(column);
            alter(table, "drop " + column, new AlterTableOptions().dropColumn(column.getName()));
        }
    }

    private void renameColumn(DrawnTable table) {
        ColumnSchema column = table.drawValueColumn(random);
        if (column == null) {
            return;
        }
        boolean isTaken = random.nextInt(4) == 0;
        String name = isTaken ? "k0" : column.getName() + "x";
        if (!isTaken) {
            table.change(column, name, column.isImmutable());
        }
        alter(table, "rename " + column + " to " + name, new AlterTableOptions().renameColumn(column.getName(), name));
    }

    private void changeColumn(DrawnTable table) {
        ColumnSchema column = table.drawValueColumn(random);
        if (column != null && random.nextInt(3) == 0) {
            boolean isImmutable = random.nextInt(4) == 0;
            table.change(column, column.getName(), isImmutable);
            alter(
                    table,
                    "change " + column + " to " + (isImmutable ? "immutable" : "mutable"),
                    new AlterTableOptions().changeImmutable(column.getName(), isImmutable));
        } else if (column != null) {
            AlterTableOptions options = random.nextBoolean()
                    ? new AlterTableOptions().changeDefault(column.getName(), Values.drawNewDefault(column, random))
                    : new AlterTableOptions().changeComment(column.getName(), "changed");
            alter(table, "change " + column, options);
        }
    }

    /** Not whether to compact: once that is set, a real Kudu refuses its own text at the next change. */
    private void changeSettings(DrawnTable table) {
        String name = random.nextBoolean() ? "kudu.table.maintenance_priority" : "kudu.table.history_max_age_sec";
        String[] values = {"700000", "-2", "", "2147483648", "x", " 800000", "604800"};
        String value = values[random.nextInt(values.length)];
        alter(table, "set " + name + " to " + value, new AlterTableOptions().alterExtraConfigs(Map.of(name, value)));
    }

    private void changeRanges(DrawnTable table) {
        if (!table.hasRanges()) {
            return;
        }
        int range = random.nextInt(-1, 4);
        boolean isThere = table.ranges().contains(range);
        if (random.nextInt(3) > 0) {
            if (!isThere) {
                table.ranges().add(range);
            }
            alter(
                    table,
                    "add range " + range,
                    new AlterTableOptions().addRangePartition(table.bound(range), table.bound(range + 1)));
        } else {
            table.ranges().removeIf(each -> each == range);
            alter(
                    table,
                    "drop range " + range,
                    new AlterTableOptions().dropRangePartition(table.bound(range), table.bound(range + 1)));
        }
    }

    // ---- Rows ----

    private void write(DrawnTable table) {
        DrawnWrites writes = DrawnWrites.draw(table, random);
        add("write to " + table.name() + " " + writes, run -> writes.run(run.client(), open(run, table)));
    }

    /** Of our server only: what is read is the same, wherever the rows are. */
    private void flush(DrawnTable table) {
        add("flush " + table.name(), run -> {
            run.flush(table.name());
            return "flushed";
        });
    }

    private void read(DrawnTable table) {
        DrawnScan scan = DrawnScan.draw(table, snapshotsTaken, random);
        add("read " + table.name() + " " + scan, run -> scan.run(run, open(run, table)));
    }

    private static KuduTable open(ClusterRun run, DrawnTable table) throws KuduException {
        return run.open(table.name());
    }
}
