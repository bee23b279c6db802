package io.nyala.catalog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.partition.Partition;
import io.nyala.partition.RangeBounds;
import io.nyala.rows.Limits;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.RowSetEntry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Goal: however much a table or tablet has, a checkpoint says it in edits that fit into a record of the log.
 * Method: tables of very many tablets with long bounds, tablets of very many rowsets, rowsets of very many delta files.
 */
final class StateEditsTest {
    private static final TableDescription DESCRIPTION =
            new TableDescription("t", "owner", "comment", 604_800, EditDriver.SCHEMA, EditDriver.PARTITIONING);

    @Test
    void aTableOfManyTabletsTakesSeveralEdits() {
        var state = new StorageState();
        state.apply(new StorageEdit.AllocateFiles(100_000));
        state.apply(new StorageEdit.CreateTable(1, DESCRIPTION, List.of()));
        for (int i = 0; i < 1000; i++) {
            state.apply(new StorageEdit.AlterTable(
                    1, DESCRIPTION, List.of(new TabletPlace(i + 2, longRange(i))), List.of()));
        }
        assertRepeated(state);
        assertTrue(count(state, StorageEdit.AlterTable.class) > 8, "in several edits");
        assertEquals(1, count(state, StorageEdit.CreateTable.class));
    }

    @Test
    void aTabletOfManyRowSetsTakesSeveralEdits() {
        StorageState state = tablet();
        for (int i = 0; i < 50; i++) {
            List<RowSetEntry> rowSets = LongStream.range(i * 500L, (i + 1) * 500L)
                    .mapToObj(id -> rowSet(id + 1, (int) (id % 50)))
                    .toList();
            state.apply(new StorageEdit.Flushed(2, rowSets, i + 1));
        }
        state.apply(new StorageEdit.Flushed(2, List.of(rowSet(30_000, Limits.KEY_BYTES_MAX)), 60));
        assertRepeated(state);
        assertTrue(count(state, StorageEdit.Flushed.class) > 5, "in several edits");
    }

    @Test
    void aRowSetOfManyDeltaFilesTakesSeveralEdits() {
        StorageState state = tablet();
        state.apply(new StorageEdit.Flushed(2, List.of(rowSet(1, 10), rowSet(2, 10)), 5));
        for (int i = 0; i < 50; i++) {
            List<DeltaFileEntry> deltas = IntStream.range(0, 1000)
                    .mapToObj(n -> new DeltaFileEntry(n + 3, 4096, n, n % 3))
                    .toList();
            state.apply(new StorageEdit.DeltasFlushed(2, 1, deltas, i + 10));
        }
        assertEquals(59, state.tablet(2).rowSets().getFirst().appliedUpTo());
        assertRepeated(state);
        assertTrue(count(state, StorageEdit.DeltasFlushed.class) > 4, "in several edits");
    }

    @Test
    void idsOfWhatWasPurgedAreNotGivenOutAgain() {
        StorageState state = tablet();
        state.apply(new StorageEdit.PurgeTable(1));
        assertEquals(3, state.nextId());
        assertEquals(3, assertRepeated(state).nextId());
    }

    private static StorageState tablet() {
        var state = new StorageState();
        state.apply(new StorageEdit.AllocateFiles(100_000));
        state.apply(new StorageEdit.CreateTable(1, DESCRIPTION, List.of(EditDriver.place(2, 0, 0))));
        return state;
    }

    private static RowSetEntry rowSet(long id, int keyBytes) {
        return new RowSetEntry(id, 10, 8192, new byte[keyBytes], new byte[keyBytes], 0, List.of());
    }

    private static Partition longRange(int number) {
        return Partition.of(List.of(0), new RangeBounds(longKey(number), longKey(number + 1)));
    }

    private static byte[] longKey(int number) {
        return ByteBuffer.allocate(3000).putInt(number).array();
    }

    private static StorageState assertRepeated(StorageState state) {
        var repeated = new StorageState();
        for (StorageEdit edit : state.asEdits()) {
            int bytes = StorageEditFormat.bytes(edit);
            assertTrue(bytes <= CatalogLimits.EDIT_BYTES_MAX / 3, () -> bytes + " bytes: " + edit);
            repeated.apply(edit);
        }
        assertEquals(CatalogModel.text(state), CatalogModel.text(repeated));
        return repeated;
    }

    private static long count(StorageState state, Class<? extends StorageEdit> kind) {
        List<StorageEdit> edits = new ArrayList<>(state.asEdits());
        return edits.stream().filter(kind::isInstance).count();
    }
}
