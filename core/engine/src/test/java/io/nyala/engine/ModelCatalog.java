package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.catalog.TableDescription;
import io.nyala.engine.ModelTally.Kind;
import io.nyala.rows.Column;
import io.nyala.rows.Schema;
import io.nyala.simulation.RandomSchema;
import io.nyala.table.AncientSnapshotException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The tables of an engine as the model has them, and all changes of the catalog: each holds as a whole, and durably,
 * when the call returns. When it fails on the way it is not known whether it holds until the engine is opened again.
 */
final class ModelCatalog {
    private static final int TABLES_MAX = 4;
    private static final int DROPPED_MAX = 2;
    private static final int TABLETS_MAX = 12;
    private static final int COLUMNS_MAX = 18;
    private static final int NAMES = 8;
    private static final int SNAPSHOT_NAMES = 3;

    /** More keys than a batch of a scan has rows. */
    private static final int MANY_KEYS = 2_500;

    /** Longer than any run, and so short that it may end on the way. */
    private static final Duration[] RECALLABLE = {Duration.ofDays(1), Duration.ofSeconds(4)};

    /** How long history may be kept: for ever, for longer than any run, and for so short that much is forgotten. */
    private static final Duration[] HISTORY = {
        Duration.ofSeconds(TableDescription.HISTORY_FOREVER),
        Duration.ofSeconds(TableDescription.HISTORY_SECONDS_DEFAULT),
        Duration.ofHours(1),
        Duration.ofSeconds(5),
        Duration.ofSeconds(1),
        Duration.ZERO
    };

    private final ModelHost host;
    private final List<ModelDriver> tables = new ArrayList<>();
    private @Nullable Change pending;

    ModelCatalog(ModelHost host) {
        this.host = host;
    }

    /**
     * A change that was begun.
     *
     * @param after what the table is when it was made; null if it is gone
     */
    private record Change(ModelDriver driver, @Nullable ModelTable after) {
        boolean isMade(Engine engine) {
            if (after == null) {
                return engine.table(driver.id()).isEmpty();
            }
            return driver.id() == ModelDriver.NO_ID
                    ? engine.table(after.name()).isPresent()
                    : engine.table(driver.id()).filter(after::is).isPresent();
        }
    }

    /** All of them, dropped ones too. */
    List<ModelDriver> all() {
        return tables;
    }

    /** Those that are not dropped. */
    List<ModelDriver> named() {
        return tables.stream().filter(table -> !table.isDropped()).toList();
    }

    private List<ModelDriver> dropped() {
        return tables.stream().filter(ModelDriver::isDropped).toList();
    }

    // ---- Changes ----

    /** Does something to the catalog, if it is known what is in it. */
    void change(SplittableRandom random) {
        if (pending != null) {
            return;
        }
        List<ModelDriver> named = named();
        List<ModelDriver> dropped = dropped();
        int kind = random.nextInt(20);
        if (named.isEmpty() || (kind < 4 && named.size() < TABLES_MAX)) {
            create(random);
        } else if (kind < 7) {
            nameState(random, named.get(random.nextInt(named.size())));
        } else if (kind < 14) {
            alter(random, named.get(random.nextInt(named.size())));
        } else if (kind < 16 || dropped.isEmpty()) {
            drop(random, named.get(random.nextInt(named.size())));
        } else if (kind < 19) {
            recall(random, dropped.get(random.nextInt(dropped.size())));
        } else {
            ModelDriver table = dropped.get(random.nextInt(dropped.size()));
            host.note("purge " + table.tableName());
            change(new Change(table, null), () -> host.engine().purgeTable(table.id()));
        }
    }

    /** Alters or drops a table, if it is known what is in the catalog. */
    void change(SplittableRandom random, ModelDriver table) {
        if (pending == null && random.nextInt(4) > 0) {
            alter(random, table);
        } else if (pending == null) {
            drop(random, table);
        }
    }

    /** Drops a table, if it is known what is in the catalog. */
    void dropForGood(ModelDriver table) {
        if (pending == null) {
            host.note("drop " + table.tableName());
            change(new Change(table, null), () -> host.engine().dropTable(table.tableName(), Duration.ZERO));
        }
    }

    private void create(SplittableRandom random) {
        Schema schema = RandomSchema.draw(random);
        int keyCount = random.nextInt(8) == 0 ? MANY_KEYS : random.nextInt(4, 2 * ModelDriver.KEYS);
        var source = new OperationSource(random, schema, keyCount);
        ModelLayout layout = ModelLayout.draw(random, schema.keyColumnCount(), source.keys(schema));
        Duration history = HISTORY[random.nextInt(HISTORY.length)];
        ModelTable table =
                ModelTable.of(freeName(random), schema).withLayout(layout).withHistorySeconds(history.toSeconds());
        host.note("create table " + table);
        var driver = new ModelDriver(random.split(), source, table, host.tally());
        change(new Change(driver, table), () -> {
            TableSpec spec = layout.spec(table.name(), schema);
            boolean isForEver = history.isNegative();
            var _ = host.engine().createTable(isForEver ? spec.withHistoryForever() : spec.withHistory(history));
        });
    }

    private void drop(SplittableRandom random, ModelDriver table) {
        boolean isForGood = dropped().size() == DROPPED_MAX || random.nextInt(3) == 0;
        Duration recallable = isForGood ? Duration.ZERO : RECALLABLE[random.nextInt(RECALLABLE.length)];
        host.note("drop " + table.tableName() + ", for recall within " + recallable);
        table.recallableUntil(host.micros() + recallable.toNanos() / 1_000); // Or a little longer.
        change(
                new Change(table, isForGood ? null : table.table().dropped(true)),
                () -> host.engine().dropTable(table.tableName(), recallable));
    }

    private void recall(SplittableRandom random, ModelDriver table) {
        boolean isFree = named().stream().noneMatch(each -> each.tableName().equals(table.tableName()));
        boolean isRenamed = !isFree || random.nextBoolean();
        String name = isRenamed ? freeName(random) : table.tableName();
        host.note("recall " + table.tableName() + " as " + name);
        change(new Change(table, table.table().dropped(false).withName(name)), () -> {
            var _ = isRenamed
                    ? host.engine().recallTable(table.id(), name)
                    : host.engine().recallTable(table.id());
        });
        ModelWrites.recover(host.engine(), table);
    }

    /** Gives a state of a table a name, or forgets it. */
    private void nameState(SplittableRandom random, ModelDriver table) {
        String name = "s" + random.nextInt(SNAPSHOT_NAMES);
        Table open = table.table(host.engine());
        if (table.table().snapshots().containsKey(name)) {
            host.note("drop snapshot " + name + " of " + table.tableName());
            change(new Change(table, table.table().withSnapshot(name, null)), () -> open.dropSnapshot(name));
            return;
        }
        long time = random.nextBoolean() ? open.latest() : table.pastTime(random);
        if (time == 0) {
            return; // Nothing has happened yet.
        }
        host.note("create snapshot " + name + " of " + table.tableName() + " at " + time);
        try {
            change(
                    new Change(table, table.table().withSnapshot(name, time)),
                    () -> assertEquals(time, open.createSnapshot(name, time)));
            table.promised(time);
            host.tally().count(Kind.NAMED_SNAPSHOT);
        } catch (AncientSnapshotException e) {
            pending = null;
            assertTrue(e.mark() <= table.markMax(host.engine()), () -> "refused: " + e.getMessage());
            assertTrue(time < table.table().oldestSnapshot(), () -> "there is an older one: " + e.getMessage());
        }
    }

    private String freeName(SplittableRandom random) {
        Set<String> taken = named().stream().map(ModelDriver::tableName).collect(Collectors.toSet());
        String name;
        do {
            name = "t" + random.nextInt(NAMES);
        } while (taken.contains(name));
        return name;
    }

    /** Makes a change, and stays unsure of it where that fails. */
    private void change(Change change, Runnable call) {
        pending = change;
        if (change.after() != null) {
            change.driver().mayKeep(change.after().historySeconds());
        }
        call.run();
        host.writes().settleBatches();
        made(change);
    }

    private void made(Change change) {
        pending = null;
        host.tally().count(Kind.CATALOG_CHANGE);
        ModelDriver driver = change.driver();
        ModelTable after = change.after();
        if (after == null) {
            tables.remove(driver);
            driver.end();
            return;
        }
        if (driver.id() == ModelDriver.NO_ID) {
            driver.id(host.engine().table(after.name()).orElseThrow().id());
            tables.add(driver);
        } else if (!after.schema().equals(driver.schema())) {
            assertEquals(0, host.writes().inFlightCount(driver), "batches of another schema");
            host.writes().columnsChanged(driver);
        }
        driver.timePasses(host.engine());
        driver.become(after);
    }

    // ---- Altering ----

    /** What a table is to become, and the call that makes it that. */
    private final class Alteration {
        private final SplittableRandom random;
        private final Table table;
        private final AlterTable alter;
        private final List<Column> columns;
        private int nextColumnId;
        private ModelTable after;

        Alteration(SplittableRandom random, ModelDriver driver) {
            this.random = random;
            this.table = driver.table(host.engine());
            this.alter = table.alter();
            this.columns = new ArrayList<>(driver.schema().columns());
            this.nextColumnId = driver.schema().nextColumnId();
            this.after = driver.table();
        }

        void addStep() {
            switch (random.nextInt(12)) {
                case 0, 1 -> addColumn();
                case 2 -> dropColumn();
                case 3 -> renameColumn();
                case 4 -> changeColumn();
                case 5, 6 -> addRange();
                case 7 -> dropRange();
                case 8 -> {
                    after = after.withName(freeName(random));
                    alter.rename(after.name());
                }
                case 9, 10 -> keepHistory(HISTORY[random.nextInt(HISTORY.length)]);
                default -> {
                    after = after.withComment("comment " + random.nextInt(3));
                    alter.comment(after.comment());
                }
            }
        }

        private void keepHistory(Duration history) {
            var _ = history.isNegative() ? alter.historyForever() : alter.history(history);
            after = after.withHistorySeconds(history.toSeconds());
        }

        private void addColumn() {
            String name = freeColumnName();
            Column column = RandomSchema.value(random, name);
            boolean isAddable = column.isNullable() || column.readDefault() != null;
            if (columns.size() < COLUMNS_MAX && isAddable) {
                alter.addColumn(column);
                columns.add(column.withId(nextColumnId++));
            }
        }

        private void dropColumn() {
            int keyCount = table.schema().keyColumnCount();
            if (columns.size() > keyCount) {
                Column gone = columns.remove(random.nextInt(keyCount, columns.size()));
                alter.dropColumn(gone.name());
            }
        }

        private void renameColumn() {
            int index = random.nextInt(columns.size());
            String name = freeColumnName();
            alter.renameColumn(columns.get(index).name(), name);
            columns.set(index, columns.get(index).withName(name));
        }

        private void changeColumn() {
            int index = random.nextInt(columns.size());
            Column before = columns.get(index);
            Column changed = RandomSchema.changed(random, before);
            alter.changeColumn(before.name(), column -> changed);
            columns.set(index, changed);
        }

        private String freeColumnName() {
            Set<String> taken = columns.stream().map(Column::name).collect(Collectors.toSet());
            String name;
            do {
                name = "v" + random.nextInt(2 * COLUMNS_MAX);
            } while (taken.contains(name));
            return name;
        }

        private void addRange() {
            ModelLayout.Range range = after.layout().newRange(random);
            if (range != null && after.layout().with(range).tabletCount() <= TABLETS_MAX) {
                alter.addRange(after.layout().partition(table.partitions().schema(), range));
                after = after.withLayout(after.layout().with(range));
            }
        }

        private void dropRange() {
            List<ModelLayout.Range> ranges = after.layout().ranges();
            if (after.layout().hasRangeLevel() && !ranges.isEmpty()) {
                ModelLayout.Range gone = ranges.get(random.nextInt(ranges.size()));
                alter.dropRange(after.layout().partition(table.partitions().schema(), gone));
                after = after.withLayout(after.layout().without(gone));
            }
        }

        ModelTable after() {
            Schema before = table.schema();
            boolean isSame = columns.equals(before.columns()) && nextColumnId == before.nextColumnId();
            return isSame ? after : after.withSchema(new Schema(before.version() + 1, nextColumnId, columns));
        }
    }

    /** One to three changes in one edit. */
    private void alter(SplittableRandom random, ModelDriver table) {
        var alteration = new Alteration(random, table);
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            alteration.addStep();
        }
        host.note("alter " + table.table() + " to " + alteration.after());
        change(new Change(table, alteration.after()), alteration.alter::commit);
    }

    // ---- What there is ----

    /** The engine was opened: now it is known what is in the catalog. */
    void opened() {
        Change change = pending;
        pending = null;
        if (change != null && change.isMade(host.engine())) {
            made(change);
        }
        check();
    }

    /** The engine has just these tables, each as the model has it. */
    void check() {
        Engine engine = host.engine();
        for (ModelDriver table : dropped()) {
            if (engine.table(table.id()).isEmpty()) {
                assertTrue(host.micros() >= table.recallableUntil(), "a dropped table is gone too early");
                tables.remove(table);
                table.end();
            }
        }
        assertEquals(ids(named()), engine.tables().stream().map(Table::id).collect(Collectors.toSet()));
        assertEquals(
                ids(dropped()), engine.droppedTables().stream().map(Table::id).collect(Collectors.toSet()));
        for (ModelDriver table : tables) {
            Table found = engine.table(table.id()).orElseThrow();
            assertTrue(
                    table.table().is(found),
                    () -> "expected " + table.table() + ", found " + ModelTable.describe(found));
        }
    }

    private static Set<Long> ids(List<ModelDriver> tables) {
        return tables.stream().map(ModelDriver::id).collect(Collectors.toSet());
    }
}
