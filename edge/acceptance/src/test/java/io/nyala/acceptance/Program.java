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

/**
 * A random program of a client: tables made, changed and dropped, rows written and read, and mistakes. It is drawn as a
 * whole, so that it does the same on any cluster. One thread.
 */
final class Program {
    private static final int CHANGES_SCANS = 3; // Each takes a moment, and a program waits for its table above all.

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
        switch (random.nextInt(28)) {
            case 0 -> create();
            case 1 -> createAgain(table);
            case 2 -> openMissing();
            case 3, 4 -> alterMaybe(table);
            case 5 -> describe(table);
            case 6 -> list();
            case 7 -> snapshot();
            case 8 -> dropOrRecall(table);
            case 9, 10, 11, 12, 13 -> write(table);
            case 14 -> keep(table);
            case 15, 16 -> readWithFilters(table);
            case 17, 18 -> writeByTwoMaybe(table);
            case 19 -> callScanner(table);
            case 20, 21, 22 -> readChangesMaybe(table);
            default -> read(table);
        }
    }

    // ---- Tables ----

    private void create() {
        DrawnTable table = new DrawnTable(prefix + tablesMade++, random);
        Schema schema = table.schema();
        CreateTableOptions options = table.partitions().toCreate(schema);
        CreateTableOptions plain = new CreateTableOptions().setNumReplicas(1).setRangePartitionColumns(List.of());
        tables.add(table);
        add("create " + table.name() + " " + table.columns() + " " + table.partitions(), run -> {
            try {
                run.client().createTable(table.name(), schema, options);
                return "created " + Describe.partitions(run.client(), run.open(table.name()));
            } catch (KuduException e) {
                if (run.client().tableExists(table.name())) {
                    throw e; // Made, but not told in time.
                }
                run.client().createTable(table.name(), schema, plain); // So that the program has something to do.
                return ClusterRun.code(e.getStatus());
            }
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

    private void dropOrRecall(DrawnTable table) {
        if (random.nextInt(3) == 0) {
            drop(table);
        } else {
            recall(table);
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
        if (table.isRecalled()) {
            return;
        }
        String name = random.nextBoolean() ? "kudu.table.maintenance_priority" : "kudu.table.history_max_age_sec";
        String[] values = {"700000", "-2", "", "2147483648", "x", " 800000", "604800"};
        String value = values[random.nextInt(values.length)];
        alter(table, "set " + name + " to " + value, new AlterTableOptions().alterExtraConfigs(Map.of(name, value)));
    }

    private void changeRanges(DrawnTable table) {
        if (!table.partitions().hasRanges()) {
            return;
        }
        AlterTableOptions change = table.partitions().drawChange(table.schema(), random);
        add("alter " + table.name() + ": ranges, of which are to be " + table.partitions(), run -> {
            String answer = "done";
            try {
                run.client().alterTable(table.name(), change);
            } catch (KuduException e) {
                answer = ClusterRun.code(e.getStatus());
            }
            return answer + " " + Describe.partitions(run.client(), run.open(table.name()));
        });
    }

    /** Gone and back, which a client that goes on with the table must not notice. */
    private void recall(DrawnTable table) {
        table.noteRecalled();
        add("drop and recall " + table.name(), run -> {
            String id = run.open(table.name()).getTableId();
            run.client().deleteTable(table.name(), 600);
            run.client().recallDeletedTable(id);
            return "recalled " + run.client().tableExists(table.name());
        });
    }

    // ---- Rows ----

    private void write(DrawnTable table) {
        DrawnWrites writes = DrawnWrites.draw(table, random);
        boolean isOld = random.nextInt(6) == 0;
        add(
                "write to " + table.name() + old(isOld) + " " + writes,
                run -> writes.run(run.client(), isOld ? run.kept(table.name()) : run.open(table.name())));
    }

    /** A table that may be altered gets no key back that was deleted, and in turns any may come first. */
    private void writeByTwoMaybe(DrawnTable table) {
        if (table.isAltered()) {
            write(table);
            return;
        }
        DrawnSessions sessions = DrawnSessions.draw(table, random);
        add("write to " + table.name() + " " + sessions, run -> sessions.run(run, table.name()));
    }

    private static String old(boolean isOld) {
        return isOld ? " as it was when it was kept" : "";
    }

    /** A client that looks at the table now goes on with what it saw. */
    private void keep(DrawnTable table) {
        add("keep " + table.name() + " as it is", run -> {
            run.keep(table.name());
            return "kept";
        });
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
        boolean isOld = random.nextInt(6) == 0;
        add(
                "read " + table.name() + old(isOld) + " " + scan,
                run -> scan.run(run, isOld ? run.kept(table.name()) : run.open(table.name())));
    }

    /** Not where columns come and go: whether a change of a column that is gone is one is not promised. */
    private void readChangesMaybe(DrawnTable table) {
        if (table.isAltered()) {
            read(table);
            return;
        }
        if (snapshotsTaken == 0 || random.nextBoolean()) {
            snapshot();
        }
        write(table); // Or there would often be no changes.
        for (int i = 0; i < CHANGES_SCANS; i++) {
            DrawnChanges changes = DrawnChanges.draw(snapshotsTaken, random);
            add("read " + table.name() + " " + changes, run -> changes.run(run, run.open(table.name())));
        }
    }

    private void readWithFilters(DrawnTable table) {
        DrawnFilters filters = DrawnFilters.draw(table, random);
        add("read " + table.name() + " " + filters, run -> filters.run(run, table.name()));
    }

    private void callScanner(DrawnTable table) {
        DrawnCalls calls = DrawnCalls.draw(random);
        add("read " + table.name() + " " + calls, run -> calls.run(run, table.name()));
    }
}
