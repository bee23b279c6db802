package io.nyala.catalog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.Schema;
import io.nyala.tablet.RowSetEntry;
import io.nyala.testkit.Failure;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Goal: the state of a host is what its last complete checkpoint and the edits since say, whatever is left of what was
 * before. Method: a log of edits with checkpoints, cut at either end.
 */
final class StorageReplayTest {
    private static final Schema SCHEMA = Schema.of(Column.key("id", ColumnType.INT64));

    @Test
    void aStateIsWhatItsEditsMakeOfNothing() {
        List<StorageEdit> edits = edits();
        StorageState state = replay(edits);
        assertEquals(2, state.tables().size());
        assertEquals(2, state.tablet(2).rowSets().size());
        assertEquals(9, state.tablet(2).appliedUpTo());
        assertEquals(state.asEdits(), replay(state.asEdits()).asEdits());
    }

    @Test
    void whatIsBeforeACheckpointMayBeThereInPart() {
        List<StorageEdit> before = edits();
        List<StorageEdit> expected = replay(before).asEdits();
        for (int lost = 0; lost <= before.size(); lost++) {
            List<StorageEdit> log = new ArrayList<>(before.subList(lost, before.size()));
            log.add(new StorageEdit.Checkpoint(StorageEdit.Checkpoint.Mark.BEGIN));
            log.addAll(expected);
            log.add(new StorageEdit.Checkpoint(StorageEdit.Checkpoint.Mark.END));
            assertEquals(expected, replay(log).asEdits(), lost + " edits lost");
        }
    }

    @Test
    void aCheckpointThatWasCutOffDoesNotCount() {
        List<StorageEdit> edits = edits();
        List<StorageEdit> checkpoint = replay(edits).asEdits();
        for (int kept = 0; kept <= checkpoint.size(); kept++) {
            List<StorageEdit> log = new ArrayList<>(edits);
            log.add(new StorageEdit.Checkpoint(StorageEdit.Checkpoint.Mark.BEGIN));
            log.addAll(checkpoint.subList(0, kept));
            assertEquals(checkpoint, replay(log).asEdits(), "cut off after " + kept);
            log.add(new StorageEdit.Checkpoint(StorageEdit.Checkpoint.Mark.BEGIN));
            log.addAll(checkpoint);
            log.add(new StorageEdit.Checkpoint(StorageEdit.Checkpoint.Mark.END));
            assertEquals(checkpoint, replay(log).asEdits(), "written again after " + kept);
        }
    }

    @Test
    void aLogWithoutItsBeginningIsRefused() {
        List<StorageEdit> edits = edits();
        Failure.expect(
                IllegalStateException.class, () -> replay(edits.subList(1, edits.size())), "first files are missing");
    }

    @Test
    void aTabletOfManyRowSetsTakesSeveralEdits() {
        List<RowSetEntry> rowSets = LongStream.rangeClosed(1, 25_000)
                .mapToObj(StorageReplayTest::rowSet)
                .toList();
        List<StorageEdit> log = new ArrayList<>(edits());
        log.add(new StorageEdit.Flushed(4, rowSets, 77));
        StorageState state = replay(log);
        assertEquals(rowSets, replay(state.asEdits()).tablet(4).rowSets());
        List<StorageEdit> flushed = state.asEdits().stream()
                .filter(edit -> edit instanceof StorageEdit.Flushed all && all.tabletId() == 4)
                .toList();
        assertEquals(8, flushed.size());
        flushed.forEach(edit -> assertTrue(StorageEditFormat.bytes(edit) <= 300 << 10));
    }

    /** With keys of a length that goes with the id, up to the longest that there may be. */
    private static RowSetEntry rowSet(long id) {
        int keyBytes = id % 10_000 == 0 ? Limits.KEY_BYTES_MAX : (int) (id % 50);
        return new RowSetEntry(id, 10, 8192, new byte[keyBytes], new byte[keyBytes]);
    }

    private static List<StorageEdit> edits() {
        return List.of(
                new StorageEdit.Identity(42),
                new StorageEdit.LogStarted(43),
                new StorageEdit.CreateTable(1, "first", SCHEMA, 2),
                new StorageEdit.AllocateFiles(65),
                new StorageEdit.Flushed(2, List.of(rowSet(1)), 5),
                new StorageEdit.CreateTable(3, "second", SCHEMA, 4),
                new StorageEdit.ClockLease(1000),
                new StorageEdit.Flushed(2, List.of(rowSet(2)), 9));
    }

    private static StorageState replay(List<StorageEdit> edits) {
        var replay = new StorageReplay();
        edits.forEach(replay::add);
        return replay.state();
    }
}
