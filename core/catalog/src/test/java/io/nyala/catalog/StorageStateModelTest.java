package io.nyala.catalog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.RowSetEntry;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: the state of a host is what its edits say, whatever part of the log is left of what is not needed any more, and
 * an edit that does not fit changes nothing.
 * Method: random edits beside a model of plain maps; the log with checkpoints anywhere, whole or cut off, is replayed
 * up to every one of its records.
 */
final class StorageStateModelTest {
    private static final int EDITS = 40;

    @RepeatedTest(16)
    void everyPrefixOfALogIsTheStateItsEditsMake(@Seed SplittableRandom random) {
        var driver = new EditDriver(random);
        var state = new StorageState();
        List<StorageEdit> log = new ArrayList<>();
        List<String> expected = new ArrayList<>();
        append(new StorageEdit.Identity(42), state, log, driver, expected);
        int needed = 0;
        for (int i = 0; i < EDITS; i++) {
            append(driver.next(), state, log, driver, expected);
            switch (random.nextInt(12)) {
                case 0 -> needed = checkpoint(random, state, log, driver, expected);
                case 1 -> append(state.asEdits().getFirst(), state, log, driver, expected); // The same identity again.
                default -> {}
            }
        }
        for (int end = 1; end <= log.size(); end++) {
            assertEquals(expected.get(end - 1), replay(log.subList(0, end)), "after " + log.get(end - 1));
        }
        int lost = needed == 0 ? 0 : random.nextInt(needed + 1);
        assertEquals(expected.getLast(), replay(log.subList(lost, log.size())), lost + " records are lost");
    }

    private static void append(
            StorageEdit edit, StorageState state, List<StorageEdit> log, EditDriver driver, List<String> expected) {
        refuseMisfits(state);
        log.add(edit);
        state.apply(edit);
        expected.add(driver.model().text());
        assertEquals(expected.getLast(), CatalogModel.text(state), () -> "after " + edit);
    }

    /** Answers how many records of the log are not needed any more; some of the checkpoint may be missing first. */
    private static int checkpoint(
            SplittableRandom random,
            StorageState state,
            List<StorageEdit> log,
            EditDriver driver,
            List<String> expected) {
        List<StorageEdit> repeated = state.asEdits();
        String text = driver.model().text();
        for (int cut = random.nextInt(2); cut > 0; cut--) {
            log.add(new StorageEdit.Checkpoint(StorageEdit.Checkpoint.Mark.BEGIN));
            log.addAll(repeated.subList(0, random.nextInt(repeated.size() + 1)));
        }
        int before = log.size();
        log.add(new StorageEdit.Checkpoint(StorageEdit.Checkpoint.Mark.BEGIN));
        log.addAll(repeated);
        log.add(new StorageEdit.Checkpoint(StorageEdit.Checkpoint.Mark.END));
        while (expected.size() < log.size()) {
            expected.add(text);
        }
        return before;
    }

    private static String replay(List<StorageEdit> log) {
        var replay = new StorageReplay();
        log.forEach(replay::add);
        return CatalogModel.text(replay.state());
    }

    private static void refuseMisfits(StorageState state) {
        String before = CatalogModel.text(state);
        for (StorageEdit edit : misfits(state)) {
            assertThrows(IllegalArgumentException.class, () -> state.apply(edit), () -> "taken: " + edit);
            assertEquals(before, CatalogModel.text(state), () -> "changed by " + edit);
        }
    }

    private static List<StorageEdit> misfits(StorageState state) {
        long unknown = state.nextId() + 7;
        List<StorageEdit> misfits = new ArrayList<>();
        misfits.add(new StorageEdit.PurgeTable(unknown));
        misfits.add(new StorageEdit.DropTable(unknown, new TableEntry.Drop(1, 2)));
        misfits.add(new StorageEdit.Flushed(unknown, List.of(), Long.MAX_VALUE));
        misfits.add(new StorageEdit.DeltasFlushed(unknown, 1, List.of(), Long.MAX_VALUE));
        misfits.add(new StorageEdit.Merged(unknown, List.of(), List.of(), 1, 0));
        misfits.add(new StorageEdit.DeltasReplaced(unknown, 1, List.of(1L), List.of()));
        for (TableEntry table : state.tables()) {
            long id = table.id();
            TableDescription same = table.description();
            misfits.add(new StorageEdit.CreateTable(id, same.withName("another"), List.of()));
            if (table.isDropped()) {
                misfits.add(new StorageEdit.DropTable(id, new TableEntry.Drop(1, 2)));
                misfits.add(new StorageEdit.AlterTable(id, same, List.of(), List.of()));
                state.tables().stream()
                        .filter(other -> !other.isDropped())
                        .forEach(other -> misfits.add(new StorageEdit.RecallTable(id, other.name())));
                continue;
            }
            misfits.add(new StorageEdit.CreateTable(unknown, same, List.of()));
            misfits.add(new StorageEdit.RecallTable(id, "another"));
            misfits.add(new StorageEdit.AlterTable(id, same, List.of(), List.of(unknown)));
            misfits.add(new StorageEdit.AlterTable(id, same, table.tablets(), List.of(-1L)));
            state.tables().stream()
                    .filter(other -> !other.isDropped() && other.id() != id)
                    .forEach(other -> misfits.add(
                            new StorageEdit.AlterTable(id, same.withName(other.name()), List.of(), List.of())));
            state.tablets().stream()
                    .filter(tablet -> tablet.tableId() != id)
                    .forEach(tablet ->
                            misfits.add(new StorageEdit.AlterTable(id, same, List.of(), List.of(tablet.id()))));
        }
        for (TabletEntry tablet : state.tablets()) {
            misfits.add(new StorageEdit.DeltasFlushed(tablet.id(), -5, List.of(), Long.MAX_VALUE));
            misfits.add(new StorageEdit.Flushed(tablet.id(), List.of(), tablet.appliedUpTo() - 1));
            misfits.add(new StorageEdit.Flushed(tablet.id(), List.of(rowSet(state.nextFileId())), Long.MAX_VALUE));
            misfits.add(new StorageEdit.Merged(tablet.id(), List.of(-5L), List.of(), Long.MAX_VALUE, 0));
            misfits.add(new StorageEdit.Merged(tablet.id(), List.of(), List.of(rowSet(state.nextFileId())), 0, 0));
            for (RowSetEntry rowSet : tablet.rowSets()) {
                List<Long> removed = List.of(rowSet.fileId());
                misfits.add(new StorageEdit.Merged(tablet.id(), removed, List.of(), rowSet.appliedUpTo() - 1, 0));
                misfits.add(new StorageEdit.Merged(tablet.id(), removed, List.of(rowSet(1)), Long.MAX_VALUE, 0));
                addMisfits(tablet, rowSet, state.nextFileId(), misfits);
                misfits.add(deltas(tablet, rowSet, state.nextFileId(), Long.MAX_VALUE));
                misfits.add(deltas(tablet, rowSet, 1, rowSet.appliedUpTo() - 1));
            }
        }
        return misfits;
    }

    /** Replacements of delta files that are not there, not so, or do not say the same. */
    private static void addMisfits(
            TabletEntry tablet, RowSetEntry rowSet, long unallocated, List<StorageEdit> misfits) {
        List<Long> all = rowSet.deltas().stream().map(DeltaFileEntry::fileId).toList();
        misfits.add(replaced(tablet, rowSet, List.of(), 1, 0));
        misfits.add(replaced(tablet, rowSet, List.of(-5L), 1, 0));
        if (all.size() > 1) {
            misfits.add(replaced(tablet, rowSet, all.reversed(), 1, 0));
        }
        if (all.size() > 2) {
            misfits.add(replaced(tablet, rowSet, List.of(all.getFirst(), all.getLast()), 1, 0));
        }
        if (!all.isEmpty()) {
            long deletedRows = rowSet.deltas().getFirst().deletedRowCount();
            List<Long> first = List.of(all.getFirst());
            misfits.add(replaced(tablet, rowSet, first, 1, deletedRows + 1));
            misfits.add(replaced(tablet, rowSet, first, unallocated, deletedRows));
        }
    }

    private static StorageEdit replaced(
            TabletEntry tablet, RowSetEntry rowSet, List<Long> removed, long fileId, long deletedRows) {
        var added = List.of(new DeltaFileEntry(fileId, 4096, 1, deletedRows));
        return new StorageEdit.DeltasReplaced(tablet.id(), rowSet.fileId(), removed, added);
    }

    private static RowSetEntry rowSet(long fileId) {
        return new RowSetEntry(fileId, 1, 4096, new byte[0], new byte[0], 0, List.of());
    }

    private static StorageEdit deltas(TabletEntry tablet, RowSetEntry rowSet, long fileId, long appliedUpTo) {
        var delta = new DeltaFileEntry(fileId, 4096, 1, 0);
        return new StorageEdit.DeltasFlushed(tablet.id(), rowSet.fileId(), List.of(delta), appliedUpTo);
    }
}
