package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.Slab;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionException;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Goal: however small the cache and however many rowsets are open, a flush finds the memory that it needs, and so does
 * a look-up in each of them; where it does not, the error says what to raise.
 * Method: as many flushes as the smallest cache is too small for, whose rowsets all have keys everywhere, while others
 * have taken all memory that is nobody's own.
 */
final class SmallCacheTest {
    private static final long MIB = 1L << 20;
    private static final int ROW_SETS = 64;
    private static final int ROWS = 10;

    private static EngineConfig config() {
        return World.config().withMemoryBytes(96 * MIB).withCacheBytes(4 * MIB).withFlushBytes(64 << 10);
    }

    /** The ids of a flush: of the others, each has one between any two of them. */
    private static long[] ids(int flush) {
        return LongStream.range(0, ROWS).map(i -> i * ROW_SETS + flush).toArray();
    }

    /** Takes all memory that is shared. */
    private static List<Slab> exhaust(MemoryAccount account) {
        List<Slab> taken = new ArrayList<>();
        for (long bytes = 2 * MIB; bytes >= MemoryBudget.SLAB_BYTES_MIN; bytes /= 2) {
            for (Slab slab = account.tryTake(bytes); slab != null; slab = account.tryTake(bytes)) {
                taken.add(slab);
            }
        }
        return taken;
    }

    @Test
    void flushesNeedNoMemoryOfTheCache(@Seed SplittableRandom random) {
        World.Running running = new World(random).open(config());
        Engine engine = running.engine();
        Table table = engine.createTable("t", Numbers.SCHEMA);
        try (WriteBatch batch = table.newBatch()) {
            Numbers.fill(batch, ids(0));
            List<Slab> taken = exhaust(engine.batchMemory());
            for (int flush = 0; flush < ROW_SETS; flush++) {
                batch.commit().orThrow();
                Numbers.flush(running, table);
                Numbers.fill(batch, ids(flush)); // They are in the new rowset, where they are looked up.
                assertEquals(ROWS, batch.commit().errors().size(), "flush " + flush);
                Numbers.fill(batch, ids(flush + 1));
            }
            batch.rows().clear();
            assertEquals(ROW_SETS, table.statistics().rowSetCount());
            taken.forEach(engine.batchMemory()::giveBack);
        }
        assertEquals(Numbers.list(0, ROW_SETS * ROWS), Numbers.ids(table.scan()));
        engine.close();
    }

    @Test
    void whereRowSetsFindNoMemoryTheErrorSaysWhatToRaiseAndNothingIsLost(@Seed SplittableRandom random) {
        World.Running running = new World(random).open(config().withMetadataBytes(2 * MIB));
        Engine engine = running.engine();
        Table table = engine.createTable("t", Numbers.SCHEMA);
        Numbers.insertRange(table, 0, ROWS);
        List<Slab> taken = exhaust(engine.batchMemory());
        List<Slab> metadata = exhaust(engine.rowSetMemory());
        Failure.expect(
                CompletionException.class,
                () -> Numbers.flush(running, table),
                "no memory to open",
                "rowsets/1.rowset",
                "2,097,152 are set aside",
                "Raise metadataBytes");
        metadata.forEach(engine.rowSetMemory()::giveBack);
        Numbers.flush(running, table);
        assertEquals(1, table.statistics().rowSetCount());
        taken.forEach(engine.batchMemory()::giveBack);
        assertEquals(Numbers.list(0, ROWS), Numbers.ids(table.scan()));
        engine.close();
    }
}
