package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryLeakException;
import io.nyala.partition.PartitionSchema;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: who closes an engine and has forgotten a scan hears which one, and nothing worse happens: neither to what its
 * batch holds, nor to the next start. Method: scans at every point of their way, of rows in memory and on disk.
 */
final class OpenScanAtCloseTest {
    private static final int ROWS = 3_000;
    private static final int BATCH = 500;

    @RepeatedTest(5)
    void isNamedAndEndsWithoutHarm(@Seed SplittableRandom random) {
        World world = new World(random.split()).withoutOwnFlushes();
        World.Running running = world.open();
        Table table = running.engine()
                .createTable(TableSpec.of(
                        "herd", PartitionSchema.of(Numbers.SCHEMA).hash(2, "id").build()));
        insert(table, 0, ROWS);
        Numbers.flush(running, table);
        insert(table, ROWS, 2 * ROWS);
        Scan scan = table.scan().inKeyOrder().open();
        int batches = random.nextInt(1, 4);
        long expected = 0;
        for (int i = 0; i < batches; i++) {
            assertTrue(scan.next());
            expected += scan.batch().rowCount();
        }
        Scan closed = table.scan().open();
        assertTrue(closed.next());
        closed.close();
        Failure.expect(
                MemoryLeakException.class,
                running.engine()::close,
                "a scan was open when the engine was closed: of table \"herd\" (tablets [",
                "opened by thread \"" + Thread.currentThread().getName() + "\" ",
                " ms ago. ",
                "close each Scan before its engine",
                "scans ");
        assertEquals(0, world.disk().openFileCount());
        long last = scan.batch().column(0).getLong(scan.batch().rowCount() - 1);
        assertEquals(expected - 1, last, "what it holds is still there");
        assertThrows(EngineClosedException.class, scan::next);
        assertFalse(running.pages().isEmpty());
        scan.close();
        scan.close();
        assertTrue(running.pages().isEmpty(), "its memory came back, and so did all memory");

        World.Running again = world.open();
        assertEquals(
                Numbers.list(0, 2 * ROWS),
                Numbers.ids(again.engine().table("herd").orElseThrow().scan().inKeyOrder()));
        again.engine().close();
    }

    private static void insert(Table table, long from, long to) {
        for (long id = from; id < to; id += BATCH) {
            Numbers.insertRange(table, id, id + BATCH);
        }
    }

    @RepeatedTest(2)
    void someOfManyAreNamed(@Seed SplittableRandom random) {
        World.Running running = new World(random).open();
        Table table = running.engine().createTable("t", Numbers.SCHEMA);
        Numbers.insertRange(table, 0, 10);
        List<Scan> scans = Stream.generate(() -> table.scan().open()).limit(7).toList();
        MemoryLeakException e = Failure.expect(
                MemoryLeakException.class, running.engine()::close, "7 scans were open", "; and more. The engine");
        assertEquals(5, String.valueOf(e.getMessage()).split("of table \"t\"", -1).length - 1);
        assertTrue(e.leakedBytes() > 0);
        scans.forEach(Scan::close);
        assertTrue(running.pages().isEmpty());
    }
}
