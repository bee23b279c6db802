package io.nyala.engine;

import io.nyala.catalog.SchemaChange;
import io.nyala.catalog.TableChange;
import io.nyala.catalog.TableDescription;
import io.nyala.partition.RangePartition;
import io.nyala.rows.Column;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * Changes of a table in use, made together: all of them, durably, or none.
 *
 * <pre>{@code
 * table.alter()
 *         .addColumn(Column.of("unit", STRING).defaultValue("ms"))
 *         .renameColumn("load", "load1")
 *         .addRange(table.partitions().schema().between(february, march))
 *         .commit();
 * }</pre>
 *
 * <p>Steps are taken in their order, on the table as it is when they are committed. A column keeps its id under any
 * name, and a column that is added under the name of one that was dropped has nothing of that. While columns change,
 * writes wait for a moment: what is in memory is flushed first. Open scans go on with the schema with which they were
 * started; a batch that was made before is refused if its rows are not those of the new schema. Rows of a range that is
 * dropped are gone.
 *
 * <p>One thread.
 */
public final class AlterTable {
    private final Engine engine;
    private final Table table;
    private final List<Consumer<TableChange>> steps = new ArrayList<>();

    AlterTable(Engine engine, Table table) {
        this.engine = engine;
        this.table = table;
    }

    /** A new last column, nullable or with a read default. */
    public AlterTable addColumn(Column column) {
        return columns(change -> change.add(column));
    }

    /** A column goes, unless it is one of the key. */
    public AlterTable dropColumn(String name) {
        return columns(change -> change.drop(name));
    }

    public AlterTable renameColumn(String name, String newName) {
        return columns(change -> change.rename(name, newName));
    }

    /**
     * Changes the write default, encoding, compression, block size or comment of a column, or whether it is immutable:
     * {@code changeColumn("load", column -> column.writeDefault(0.5))}. Encoding, compression and block size hold for
     * what is written from then on.
     */
    public AlterTable changeColumn(String name, UnaryOperator<Column> change) {
        return columns(columns -> columns.change(name, change));
    }

    /** Another name for the table, which is free. */
    public AlterTable rename(String newName) {
        return describe(description -> description.withName(newName));
    }

    public AlterTable owner(String newOwner) {
        return describe(description -> description.withOwner(newOwner));
    }

    public AlterTable comment(String newComment) {
        return describe(description -> description.withComment(newComment));
    }

    /** Notes this setting of the host program, and forgets what was noted under its name; empty for nothing. */
    public AlterTable setting(String name, String value) {
        return describe(description -> {
            SortedMap<String, String> settings = new TreeMap<>(description.settings());
            settings.remove(name);
            if (!value.isEmpty()) {
                settings.put(name, value);
            }
            return description.withSettings(settings);
        });
    }

    /** How long old versions of rows are kept; seconds count. */
    public AlterTable history(Duration history) {
        return describe(description -> description.withHistorySecondsMax(history.toSeconds()));
    }

    /** Old versions of rows are kept for ever. */
    public AlterTable historyForever() {
        return describe(description -> description.withHistorySecondsMax(TableDescription.HISTORY_FOREVER));
    }

    /** A range more, with tablets of its own, of which no row may be in another range. */
    public AlterTable addRange(RangePartition range) {
        steps.add(change -> change.addRange(range));
        return this;
    }

    /** The range with exactly these bounds goes, with all its rows. */
    public AlterTable dropRange(RangePartition range) {
        steps.add(change -> change.dropRange(range.bounds()));
        return this;
    }

    private AlterTable columns(Consumer<SchemaChange> step) {
        steps.add(change -> change.columns(step));
        return this;
    }

    private AlterTable describe(UnaryOperator<TableDescription> step) {
        steps.add(change -> change.describe(step));
        return this;
    }

    /**
     * Makes the changes. They hold, durably, when this returns; if it throws, nothing was changed. Only where the
     * storage log has failed on the way ({@link Engine#failures}) nobody knows before the next open whether they hold:
     * until then the table is read as it was, and takes no writes.
     *
     * @throws IllegalArgumentException if a step cannot be taken; the words are Kudu's
     * @throws TableExistsException if there is a table of the new name
     * @throws EngineLimitException if there is no room
     */
    public Table commit() {
        engine.alter(table, change -> steps.forEach(step -> step.accept(change)));
        return table;
    }
}
