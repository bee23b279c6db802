package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.CorruptPageException;
import io.nyala.io.DiskException;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memory.Slab;
import io.nyala.rows.Limits;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.simulation.Operation;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import io.nyala.testkit.Spin;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a look-up that fails never has rows taken for absent, answers other keys afterwards, and leaves nothing behind.
 * Method: two rowsets of which the second has a damaged page of each kind, cannot be read, or finds no memory; what is
 * wrong in a program's use by example.
 */
final class LookupFailuresTest {
    private static final Path DAMAGED = World.DIRECTORY.resolve("rowsets").resolve("2.rowset");

    /** Of the pages of the key filter; those of a column have its id. */
    private static final int FILTER = 0x7FFF_0000;

    private World world = new World(new SplittableRandom(1));

    /** Rowset 1 has ids 0 to 99, rowset 2 has 100 to 199. */
    @BeforeEach
    void fill(@Seed SplittableRandom random) {
        world = new World(random.split());
        World.Running running = world.open();
        Table table = running.engine().createTable("numbers", Numbers.SCHEMA);
        for (long id = 0; id < 200; id += 100) {
            Numbers.insertRange(table, id, id + 100);
            Numbers.flush(running, table);
        }
        running.engine().close();
    }

    private static Table table(World.Running running) {
        return running.engine().table("numbers").orElseThrow();
    }

    private static void give(Lookup lookup, long... ids) {
        for (long id : ids) {
            assertTrue(lookup.key().setLong(0, id).end());
        }
    }

    /** Which of them are there, each with its text. */
    private static List<Long> found(Lookup lookup, long... ids) {
        give(lookup, ids);
        List<Long> found = new ArrayList<>();
        while (lookup.next()) {
            for (int row = 0; row < lookup.batch().rowCount(); row++) {
                long id = ids[lookup.keyOf(row)];
                assertEquals(Numbers.text(id), lookup.batch().column(0).getString(row));
                found.add(id);
            }
        }
        found.sort(null);
        return found;
    }

    /** Fails as often as it is asked for the same keys, and then answers others. */
    private static <T extends RuntimeException> T failsUntilThereAreOtherKeys(Lookup lookup, Class<T> type) {
        T first = assertThrows(type, lookup::next);
        assertSame(first, assertThrows(type, lookup::next), "the rest is not absent");
        assertEquals(0, lookup.batch().rowCount());
        assertEquals(List.of(7L, 99L), found(lookup, 7, 99, 1000));
        return first;
    }

    private static void close(World.Running running, Lookup lookup) {
        lookup.close();
        assertEquals(0, running.engine().resultMemory().usedBytes());
        running.engine().close();
        assertTrue(running.pages().isEmpty(), "all memory came back");
    }

    /** Flips a bit in each page of a column, or of the filter. */
    private void damage(int column) {
        MemorySegment file = MemorySegment.ofArray(world.disk().contents(DAMAGED));
        int damaged = 0;
        for (long page = 4096; page + 48 < file.byteSize(); ) {
            int bytes = file.get(LittleEndian.INT, page + 24);
            if (file.get(LittleEndian.INT, page + 36) == column) {
                world.disk().flipBit(DAMAGED, page + 52, 3);
                damaged++;
            }
            page += bytes == 0 ? 4096 : (48L + bytes + 7) / 8 * 8;
            if (damaged > 0 && file.get(LittleEndian.INT, page + 36) != column) {
                return;
            }
        }
        throw new AssertionError("no page of " + column);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void aDamagedPageIsNoRowThatIsAbsent(int column) {
        damage(column);
        World.Running running = world.open();
        Lookup lookup = table(running).lookup("text");
        for (int i = 0; i < 2; i++) {
            give(lookup, 3, 150, 160, 4);
            assertEquals(
                    DAMAGED,
                    failsUntilThereAreOtherKeys(lookup, CorruptPageException.class)
                            .file());
        }
        close(running, lookup);
        damage(column);
        running = world.open();
        Lookup again = table(running).lookup("text");
        assertEquals(List.of(3L, 4L, 150L, 160L), found(again, 3, 150, 160, 4, 500));
        close(running, again);
    }

    @Test
    void aDamagedFilterIsAskedNoMore() {
        damage(FILTER);
        World.Running running = world.open();
        Lookup lookup = table(running).lookup("text");
        for (int i = 0; i < 2; i++) {
            assertEquals(List.of(3L, 4L, 150L, 160L), found(lookup, 3, 150, 160, 4, 500));
            assertEquals(List.of(150L), found(lookup, 150));
        }
        close(running, lookup);
    }

    @Test
    void aReadThatFailsIsNoRowThatIsAbsent() {
        World.Running running = world.open();
        Lookup lookup = table(running).lookup("text");
        for (int failing = 0; failing < 3; failing++) { // Of the filter, of keys, of texts.
            world.disk()
                    .failNext(
                            call -> call.operation() == Operation.READ
                                    && call.path().equals(DAMAGED),
                            DiskException.Kind.IO_ERROR);
            give(lookup, 150, 3, 160);
            failsUntilThereAreOtherKeys(lookup, DiskException.class);
            world.disk().forgetFailures();
        }
        assertEquals(List.of(3L, 150L, 160L), found(lookup, 150, 3, 160));
        close(running, lookup);
    }

    @Test
    void wantOfMemoryIsNoRowThatIsAbsent() {
        World.Running running = world.open(World.config().withMemoryBytes(96 << 20));
        MemoryAccount account = running.engine().resultMemory();
        Lookup lookup = table(running).lookup("text");
        give(lookup, 150, 3, 160);
        List<Slab> taken = new ArrayList<>();
        for (long bytes = 2 << 20; bytes >= MemoryBudget.SLAB_BYTES_MIN; bytes /= 2) {
            for (Slab slab = account.tryTake(bytes); slab != null; slab = account.tryTake(bytes)) {
                taken.add(slab);
            }
        }
        MemoryLimitException first = assertThrows(MemoryLimitException.class, lookup::next);
        taken.forEach(account::giveBack);
        assertSame(first, failsUntilThereAreOtherKeys(lookup, MemoryLimitException.class));
        assertEquals(List.of(3L, 150L, 160L), found(lookup, 150, 3, 160));
        close(running, lookup);
    }

    @Test
    void aKeyThatWasNotEndedIsRefused() {
        World.Running running = world.open();
        Lookup lookup = table(running).lookup("text");
        give(lookup, 3);
        OperationBatch keys = lookup.key().setLong(0, 4);
        Failure.expect(IllegalArgumentException.class, lookup::next, "key 1 was begun and not ended", "call end()");
        keys.end();
        assertThrows(IllegalArgumentException.class, lookup::next);
        assertEquals(List.of(4L), found(lookup, 4));
        close(running, lookup);
    }

    @Test
    void keysStayAsTheyAreWhileTheirRowsAreAskedFor() {
        World.Running running = world.open();
        Lookup lookup = table(running).lookup("text");
        OperationBatch keys = lookup.key().setLong(0, 4);
        keys.end();
        assertTrue(lookup.next());
        Failure.expect(
                IllegalStateException.class, () -> keys.start(OperationKind.DELETE), "its keys are being looked up");
        assertThrows(IllegalStateException.class, keys::clear);
        assertFalse(lookup.next());
        assertEquals(List.of(5L), found(lookup, 5));
        give(lookup, 6);
        assertTrue(lookup.next());
        close(running, lookup); // With keys that are looked up.
    }

    /** Both would give back what it holds. */
    @Test
    @Timeout(300)
    void otherKeysWaitForAnEngineThatEndsIt() throws InterruptedException {
        World.Running running = world.open();
        Table wide = running.engine().createTable("wide", Numbers.SCHEMA);
        String text = "x".repeat(Limits.CELL_BYTES_MAX);
        try (WriteBatch batch = wide.newBatch()) {
            for (long id = 0; id < 25; id++) {
                batch.rows()
                        .start(OperationKind.INSERT)
                        .setLong(0, id)
                        .setString(1, text)
                        .end();
                batch.commit().orThrow();
            }
        }
        Lookup lookup = wide.lookup("text");
        for (long id = 0; id < 25; id++) {
            give(lookup, id);
        }
        assertTrue(lookup.next());
        assertTrue(lookup.batch().rowCount() < 25, "there are more");
        Thread other = new Thread(lookup::key);
        synchronized (lookup) { // As the engine does, whose thread comes just then.
            other.start();
            Spin.until(() -> other.getState() == Thread.State.BLOCKED || other.getState() == Thread.State.TERMINATED);
            assertEquals(Thread.State.BLOCKED, other.getState());
            lookup.end();
        }
        other.join();
        close(running, lookup);
    }
}
