package io.nyala.engine;

import static io.nyala.rows.OperationKind.DELETE;
import static io.nyala.rows.OperationKind.UPDATE;
import static io.nyala.rows.OperationKind.UPSERT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.CorruptPageException;
import io.nyala.cfile.UnsupportedFormatException;
import io.nyala.io.DiskException;
import io.nyala.memory.Crc32c;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowErrorCode;
import io.nyala.simulation.Operation;
import io.nyala.tablet.MissingRowSet;
import io.nyala.tablet.MissingRowSetException;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a rowset that cannot be read keeps nobody from anything but its own keys; no answer is ever shorter than it
 * should be, and no key is ever given out twice.
 * Method: a table of three rowsets and some rows in the log; the file of the second is damaged in every way, and put
 * back afterwards.
 */
final class MissingRowSetTest {
    /** Ids 100 to 199 are in it. */
    private static final Path DAMAGED = rowSet(2);

    /** What happened to the file. */
    enum Damage {
        GONE("no such file"),
        EMPTY("0 bytes"),
        CUT("was cut"),
        HEADER("byte 0"),
        FOOTER("corrupt page"),
        TRAILER("corrupt page"),
        OF_ANOTHER_TABLET("expected file 2 of owner"),
        ANOTHER_ROWSET("expected file 2 of owner"),
        UNREADABLE("The device failed");

        private final String said;

        Damage(String said) {
            this.said = said;
        }
    }

    private static Path rowSet(long fileId) {
        return World.DIRECTORY.resolve("rowsets").resolve(fileId + ".rowset");
    }

    /** Rowset 1 has 0 to 99, 2 has 100 to 199, 3 has 200 to 299, the log 300 to 309; rowset 4 is of another table. */
    private static World newWorld(SplittableRandom random) {
        var world = new World(random.split());
        World.Running running = world.open();
        Table numbers = running.engine().createTable("numbers", Numbers.SCHEMA);
        for (long id = 0; id < 300; id += 100) {
            Numbers.insertRange(numbers, id, id + 100);
            Numbers.flush(running, numbers);
        }
        Table other = running.engine().createTable("other", Numbers.SCHEMA);
        Numbers.insertRange(other, 0, 200);
        Numbers.flush(running, other);
        Numbers.insertRange(numbers, 300, 310);
        running.engine().close();
        assertEquals(
                List.of(rowSet(1), DAMAGED, rowSet(3), rowSet(4)),
                world.disk().list(DAMAGED.resolveSibling("")).subList(0, 4));
        return world;
    }

    private static void damage(World world, Damage damage) {
        byte[] whole = world.disk().contents(DAMAGED);
        switch (damage) {
            case GONE -> world.disk().delete(DAMAGED);
            case EMPTY -> world.disk().setContents(DAMAGED, new byte[0]);
            case CUT -> world.disk().setContents(DAMAGED, Arrays.copyOf(whole, whole.length - 4096 - 100));
            case HEADER -> world.disk().flipBit(DAMAGED, 20, 3);
            case FOOTER -> world.disk().flipBit(DAMAGED, whole.length - 4096 - 10, 3);
            case TRAILER -> world.disk().flipBit(DAMAGED, whole.length - 10, 3);
            case OF_ANOTHER_TABLET ->
                world.disk().setContents(DAMAGED, world.disk().contents(rowSet(4)));
            case ANOTHER_ROWSET ->
                world.disk().setContents(DAMAGED, world.disk().contents(rowSet(1)));
            case UNREADABLE ->
                world.disk()
                        .failNext(
                                call -> call.operation() == Operation.READ
                                        && call.path().equals(DAMAGED),
                                DiskException.Kind.IO_ERROR);
        }
    }

    @ParameterizedTest
    @EnumSource(Damage.class)
    void allElseServesAndNothingIsLost(Damage damage, @Seed SplittableRandom random) {
        World world = newWorld(random);
        byte[] whole = world.disk().contents(DAMAGED);
        damage(world, damage);
        byte[] left = damage == Damage.GONE ? new byte[0] : world.disk().contents(DAMAGED);
        World.Running running = world.open();
        Table numbers = table(running);

        assertEquals(1, numbers.missingRowSets().size());
        MissingRowSet missing = numbers.missingRowSets().getFirst();
        assertEquals(DAMAGED, missing.file());
        assertEquals(100, missing.rowCount());
        assertEquals("(id=100) to (id=199)", missing.keys());
        assertTrue(String.valueOf(missing.cause().getMessage()).contains(damage.said), missing.cause()::getMessage);
        readsNeedTheirRows(numbers, missing);
        writesNeedTheirRows(numbers, missing);

        Numbers.insertRange(numbers, 310, 320);
        Numbers.flush(running, numbers);
        Table other = running.engine().table("other").orElseThrow();
        Numbers.insertRange(other, 200, 210);
        assertEquals(Numbers.list(0, 210), Numbers.ids(other.scan()));
        running.engine().close();

        if (damage != Damage.UNREADABLE) {
            running = world.open();
            assertEquals(1, table(running).missingRowSets().size(), "still missing after a checkpoint of the log");
            readsNeedTheirRows(table(running), table(running).missingRowSets().getFirst());
            running.engine().close();
            if (damage == Damage.GONE) {
                world.disk().create(DAMAGED).close();
            } else {
                assertArrayEquals(left, world.disk().contents(DAMAGED), "the file is left alone");
            }
            world.disk().setContents(DAMAGED, whole);
        }
        running = world.open();
        assertEquals(List.of(), table(running).missingRowSets());
        assertEquals(Numbers.list(0, 320), Numbers.ids(table(running).scan()));
        assertEquals(
                RowErrorCode.ALREADY_PRESENT,
                Numbers.insert(table(running), 150).errors().getFirst().code());
        running.engine().close();
        assertEquals(0, world.disk().openFileCount());
    }

    private static Table table(World.Running running) {
        return running.engine().table("numbers").orElseThrow();
    }

    /** The log still has the change that is in the file that is lost. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aRowsetIsSetAsideWithWhatChangedItsRows(boolean isDeltaFileLost, @Seed SplittableRandom random) {
        World world = newWorld(random);
        World.Running running = world.open();
        Numbers.flush(running, table(running)); // So that the next flush has nothing but the change.
        delete(table(running), 150);
        Numbers.flush(running, table(running));
        running.engine().close();
        List<Path> deltaFiles = Verification.of(World.DIRECTORY, world.disk()).deltaFiles();
        Path lost = isDeltaFileLost ? deltaFiles.getFirst() : DAMAGED;
        byte[] whole = world.disk().contents(lost);
        world.disk().delete(lost);
        assertEquals(
                List.of(DAMAGED), Verification.of(World.DIRECTORY, world.disk()).setAside());

        running = world.open();
        Table numbers = table(running);
        assertEquals(DAMAGED, numbers.missingRowSets().getFirst().file());
        assertEquals(Numbers.list(0, 100), Numbers.ids(Numbers.range(numbers, 0, 100)));
        var refusal = assertThrows(MissingRowSetException.class, () -> Numbers.ids(numbers.scan()));
        assertTrue(String.valueOf(refusal.getMessage()).contains(lost.toString()), refusal::toString);
        running.engine().close();

        world.disk().create(lost).close();
        world.disk().setContents(lost, whole);
        running = world.open();
        List<Long> expected = new ArrayList<>(Numbers.list(0, 310));
        expected.remove(150L);
        assertEquals(expected, Numbers.ids(table(running).scan()));
        running.engine().close();
    }

    private static void delete(Table table, long id) {
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(DELETE).setLong(0, id).end();
            batch.commit().orThrow();
        }
    }

    private static void readsNeedTheirRows(Table numbers, MissingRowSet missing) {
        List<Long> all = Numbers.ids(numbers.scan().allowPartial());
        assertFalse(all.contains(150L));
        for (boolean isOrdered : new boolean[] {false, true}) {
            ScanBuilder scan = isOrdered ? numbers.scan().inKeyOrder() : numbers.scan();
            refused(missing, () -> Numbers.ids(scan));
            partial(isOrdered ? numbers.scan().inKeyOrder() : numbers.scan(), all, 1);
        }
        refused(missing, () -> numbers.scan().project().open().close());
        refused(missing, () -> Numbers.ids(Numbers.range(numbers, 199, 250)));
        refused(missing, () -> Numbers.ids(Numbers.range(numbers, 50, 101)));
        refused(missing, () -> Numbers.ids(numbers.scan().where(Predicate.equal(Numbers.SCHEMA, "id", 199L))));
        refused(missing, () -> Numbers.ids(numbers.scan().where(Predicate.isNull(Numbers.SCHEMA, "text"))));
        refused(missing, () -> Numbers.ids(numbers.scan().limit(1)));
        assertEquals(Numbers.list(0, 100), Numbers.ids(Numbers.range(numbers, 0, 100)));
        assertEquals(Numbers.list(200, 310), Numbers.ids(Numbers.range(numbers, 200, 310)));
        partial(Numbers.range(numbers, 50, 100), Numbers.list(50, 100), 0);
        partial(Numbers.range(numbers, 120, 130), List.of(), 1);
    }

    private static void partial(ScanBuilder builder, List<Long> expected, int missingCount) {
        List<Long> ids = new ArrayList<>();
        try (Scan scan = builder.allowPartial().open()) {
            Numbers.read(scan, ids);
            assertEquals(missingCount == 1, scan.isPartial());
            assertEquals(missingCount, scan.missingRowSets().size());
        }
        ids.sort(null);
        assertEquals(expected, ids);
    }

    private static void writesNeedTheirRows(Table numbers, MissingRowSet missing) {
        refused(missing, () -> Numbers.insert(numbers, 150));
        refused(missing, () -> Numbers.insert(numbers, 100));
        refused(missing, () -> Numbers.insert(numbers, 199, 1000));
        for (OperationKind kind : new OperationKind[] {UPSERT, UPDATE, DELETE}) {
            try (WriteBatch batch = numbers.newBatch()) {
                batch.rows().start(kind).setLong(0, 150);
                if (kind != DELETE) {
                    batch.rows().setString(1, "x");
                }
                batch.rows().end();
                refused(missing, batch::commit);
                refused(missing, () -> join(batch.commitAsync()));
            }
        }
        assertEquals(List.of(), Numbers.ids(Numbers.range(numbers, 1000, 1001)), "no part of a refused batch is done");
        CommitResult result = Numbers.insert(numbers, 99, 200, 305);
        assertEquals(3, result.errors().size(), "keys beside it are found");
        result.errors().forEach(error -> assertEquals(RowErrorCode.ALREADY_PRESENT, error.code()));
    }

    private static void join(CompletableFuture<CommitResult> commit) {
        try {
            commit.join();
        } catch (CompletionException e) {
            throw (RuntimeException) Objects.requireNonNull(e.getCause());
        }
    }

    private static void refused(MissingRowSet missing, Executable call) {
        MissingRowSetException e = Failure.expect(
                MissingRowSetException.class,
                call,
                DAMAGED.toString(),
                "(id=100) to (id=199)",
                String.valueOf(missing.cause().getMessage()),
                "allowPartial");
        assertEquals(DAMAGED, e.file());
        assertEquals(missing.offset(), e.offset());
        assertEquals(missing.cause(), e.getCause());
    }

    @Test
    void theOffsetOfTheDamageIsTold(@Seed SplittableRandom random) {
        World world = newWorld(random);
        damage(world, Damage.TRAILER);
        World.Running running = world.open();
        MissingRowSet missing = table(running).missingRowSets().getFirst();
        CorruptPageException cause = assertInstanceOf(CorruptPageException.class, missing.cause());
        assertTrue(cause.offset() > 0);
        assertEquals(cause.offset(), missing.offset());
        running.engine().close();
    }

    @Test
    void aRowsetOfANewerVersionIsRefusedAsAWhole(@Seed SplittableRandom random) {
        World world = newWorld(random);
        byte[] whole = world.disk().contents(DAMAGED);
        byte[] newer = whole.clone();
        newer[8] = 9;
        MemorySegment header = MemorySegment.ofArray(newer);
        header.set(LittleEndian.INT, 4092, Crc32c.of(header, 0, 4092));
        world.disk().setContents(DAMAGED, newer);
        Failure.expect(
                UnsupportedFormatException.class,
                world::open,
                DAMAGED.toString(),
                "version 9",
                "reads versions 1 to 5");
        world.disk().setContents(DAMAGED, whole);
        World.Running running = world.open();
        assertEquals(Numbers.list(0, 310), Numbers.ids(table(running).scan()));
        running.engine().close();
    }

    /** Nothing says that the file is damaged: perhaps the process has too many open. */
    @Test
    void aFailureThatIsNotTheFilesIsNoReasonToSetItAside(@Seed SplittableRandom random) {
        World world = newWorld(random);
        world.disk()
                .failNext(
                        call -> call.operation() == Operation.OPEN
                                && call.path().equals(DAMAGED),
                        DiskException.Kind.OTHER);
        Failure.expect(DiskException.class, world::open, DAMAGED.toString());
        assertEquals(0, world.disk().openFileCount());
        World.Running running = world.open();
        assertEquals(Numbers.list(0, 310), Numbers.ids(table(running).scan()));
        running.engine().close();
    }

    @Test
    void aPageThatIsFoundDamagedLaterFailsWhatNeedsItAndNothingElse(@Seed SplittableRandom random) {
        World world = newWorld(random);
        World.Running running = world.open();
        Table numbers = table(running);
        world.disk().flipBit(DAMAGED, 4096 + 40, 3); // The first page: of the first column, which is the key.
        assertEquals(List.of(), numbers.missingRowSets());

        CorruptPageException e = Failure.expect(
                CorruptPageException.class, () -> Numbers.ids(numbers.scan()), DAMAGED.toString(), "byte 4,096");
        assertEquals(DAMAGED, e.file());
        Failure.expect(CorruptPageException.class, () -> Numbers.insert(numbers, 150), DAMAGED.toString());
        Failure.expect(CorruptPageException.class, () -> Numbers.insert(numbers, 1000, 101), "byte 4,096");
        assertEquals(List.of(), Numbers.ids(Numbers.range(numbers, 1000, 1001)), "no part of a refused batch is done");
        Numbers.insertRange(numbers, 310, 320);
        Numbers.flush(running, numbers);
        assertEquals(Numbers.list(200, 320), Numbers.ids(Numbers.range(numbers, 200, 320)));
        Table other = running.engine().table("other").orElseThrow();
        Numbers.insertRange(other, 200, 210);
        assertEquals(Numbers.list(0, 210), Numbers.ids(other.scan()));

        List<Long> rest = new ArrayList<>(Numbers.list(0, 100));
        rest.addAll(Numbers.list(200, 320));
        partial(numbers.scan(), rest, 1);
        partial(numbers.scan().inKeyOrder(), rest, 1);
        partial(Numbers.range(numbers, 0, 50), Numbers.list(0, 50), 0);
        running.engine().close();
    }

    /** An idle scan of rows in memory goes on in the rowset that they were flushed to. */
    @Test
    void aPartialScanGoesOnWhereTheRowsetThatItMovedToIsDamaged(@Seed SplittableRandom random) {
        World world = newWorld(random);
        World.Running running = world.open();
        Table numbers = table(running);
        try (Scan partial = Numbers.range(numbers, 300, 310).allowPartial().open();
                Scan whole = Numbers.range(numbers, 300, 310).open()) {
            Numbers.flush(running, numbers);
            List<Path> files = world.disk().list(DAMAGED.resolveSibling(""));
            Path flushed = files.stream()
                    .filter(file ->
                            !List.of(rowSet(1), DAMAGED, rowSet(3), rowSet(4)).contains(file))
                    .findFirst()
                    .orElseThrow();
            world.disk().flipBit(flushed, 4096 + 40, 3);
            assertThrows(CorruptPageException.class, whole::next);
            assertFalse(partial.next());
            assertTrue(partial.isPartial());
            assertEquals(flushed, partial.missingRowSets().getFirst().file());
        }
        running.engine().close();
    }

    /** It would only have spared reads. */
    @Test
    void aScanOfOneKeyWhoseRowsetHasADamagedFilterIsWhole(@Seed SplittableRandom random) {
        World world = newWorld(random);
        world.disk().flipBit(DAMAGED, keyFilter(world.disk().contents(DAMAGED)) + 60, 3);
        World.Running running = world.open();
        Table numbers = table(running);
        assertEquals(List.of(), numbers.missingRowSets());
        assertEquals(List.of(150L), Numbers.ids(one(numbers)));
        try (Scan partial = one(numbers).allowPartial().open()) {
            assertTrue(partial.next());
            assertEquals(1, partial.batch().rowCount());
            assertFalse(partial.next());
            assertFalse(partial.isPartial());
        }
        assertEquals(Numbers.list(100, 200), Numbers.ids(Numbers.range(numbers, 100, 200)), "rows need no filter");
        running.engine().close();
    }

    private static ScanBuilder one(Table numbers) {
        return numbers.scan().where(Predicate.equal(Numbers.SCHEMA, "id", 150L));
    }

    /** Where the first page of the key filter is, by the headers of pages. */
    private static long keyFilter(byte[] contents) {
        MemorySegment file = MemorySegment.ofArray(contents);
        long page = 4096;
        while (file.get(LittleEndian.INT, page + 36) != 0x7FFF_0000) {
            page += (48L + file.get(LittleEndian.INT, page + 24) + 7) / 8 * 8;
        }
        return page;
    }

    @Test
    void noFlippedByteMakesAnAnswerShorterOrAKeyTwice(@Seed SplittableRandom random) {
        flips(random, 60);
    }

    @Tag("soak")
    @RepeatedTest(4)
    void noFlippedByteMakesAnAnswerShorterOrAKeyTwiceSoak(@Seed SplittableRandom random) {
        flips(random, 4000);
    }

    private static void flips(SplittableRandom random, int count) {
        World world = newWorld(random);
        int bytes = world.disk().contents(DAMAGED).length;
        int refusedCount = 0;
        for (int i = 0; i < count; i++) {
            int at = random.nextInt(bytes * i / count, bytes * (i + 1) / count);
            int bit = random.nextInt(8);
            String what = "bit " + bit + " of byte " + at;
            world.disk().flipBit(DAMAGED, at, bit);
            World.Running running = world.open();
            refusedCount += tryAll(table(running), what) ? 1 : 0;
            running.engine().close();
            world.disk().flipBit(DAMAGED, at, bit);
        }
        assertTrue(refusedCount > count / 4, refusedCount + " of " + count + " flips were noticed");
    }

    /** Answers whether anything was refused. */
    private static boolean tryAll(Table numbers, String what) {
        boolean isRefused = false;
        try {
            assertEquals(Numbers.list(0, 310), Numbers.ids(numbers.scan()), what);
        } catch (MissingRowSetException | CorruptPageException e) {
            isRefused = true;
        }
        for (long id = 95; id < 205; id++) {
            try {
                CommitResult result = Numbers.insert(numbers, id);
                assertEquals(1, result.errors().size(), what + ": " + id + " was inserted twice");
            } catch (MissingRowSetException | CorruptPageException e) {
                assertTrue(id >= 100 && id < 200, what + ": " + id);
                isRefused = true;
            }
        }
        return isRefused;
    }
}
