package io.nyala.catalog;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.tablet.RowSetEntry;
import io.nyala.testkit.Failure;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Goal: the state of a host is what its last complete checkpoint and the edits since say, whatever is left of what was
 * before. Method: a log of edits with checkpoints, cut at either end.
 */
final class StorageReplayTest {
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

    /** A checkpoint takes several segments, of which the first are forgotten before the last. */
    @Test
    void aCheckpointThatIsBeingForgottenMayHaveLostItsBeginning() {
        List<StorageEdit> checkpoint = new ArrayList<>(replay(edits()).asEdits());
        var begin = new StorageEdit.Checkpoint(StorageEdit.Checkpoint.Mark.BEGIN);
        var end = new StorageEdit.Checkpoint(StorageEdit.Checkpoint.Mark.END);
        for (int lost = 0; lost <= checkpoint.size(); lost++) {
            List<StorageEdit> log = new ArrayList<>(checkpoint.subList(lost, checkpoint.size()));
            log.add(end);
            List<StorageEdit> onlyThat = List.copyOf(log);
            Failure.expect(IllegalStateException.class, () -> replay(onlyThat), "first files are missing");
            log.add(begin);
            log.addAll(checkpoint);
            log.add(end);
            assertEquals(checkpoint, replay(log).asEdits(), lost + " edits lost");
        }
    }

    @Test
    void aLogWithoutItsBeginningIsRefused() {
        List<StorageEdit> edits = edits();
        Failure.expect(
                IllegalStateException.class, () -> replay(edits.subList(1, edits.size())), "first files are missing");
    }

    private static RowSetEntry rowSet(long id) {
        return new RowSetEntry(id, 10, 8192, new byte[] {1}, new byte[] {2}, id, List.of());
    }

    private static StorageEdit create(long id, String name) {
        var description = new TableDescription(name, "", "", 3600, EditDriver.SCHEMA, EditDriver.PARTITIONING);
        return new StorageEdit.CreateTable(id, description, List.of(EditDriver.place(id + 1, 0, 0)));
    }

    private static List<StorageEdit> edits() {
        return List.of(
                new StorageEdit.Identity(42),
                new StorageEdit.LogStarted(43),
                create(1, "first"),
                new StorageEdit.AllocateFiles(65),
                new StorageEdit.Flushed(2, List.of(rowSet(1)), 5),
                create(3, "second"),
                new StorageEdit.ClockLease(1000),
                new StorageEdit.Flushed(2, List.of(rowSet(2)), 9));
    }

    private static StorageState replay(List<StorageEdit> edits) {
        var replay = new StorageReplay();
        edits.forEach(replay::add);
        return replay.state();
    }
}
