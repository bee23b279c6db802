package io.nyala.engine;

import static io.nyala.rows.OperationKind.DELETE;
import static io.nyala.rows.OperationKind.UPDATE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.CFileDump;
import io.nyala.cfile.CFileReader;
import io.nyala.cfile.CorruptPageException;
import io.nyala.cfile.PageCache;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.LookupMemory;
import io.nyala.diskrowset.RowSetFile;
import io.nyala.io.DiskException.Kind;
import io.nyala.io.IoPool;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.MemoryLeakException;
import io.nyala.memory.PageSource;
import io.nyala.rows.RowErrorCode;
import io.nyala.simulation.Call;
import io.nyala.simulation.Operation;
import io.nyala.simulation.PowerCutException;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.testkit.Seed;
import io.nyala.wal.CorruptLogException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: at open, files of this host that no tablet has are deleted, and whatever else lies there is moved to the
 * quarantine and never deleted or changed.
 * Method: a directory with rowsets that hold real rows, to which copies under other names are added, or which a power
 * cut leaves half-way through a flush.
 */
final class RowSetFilesTest {
    private static final Path ROWSETS = World.DIRECTORY.resolve("rowsets");
    private static final Path QUARANTINE = World.DIRECTORY.resolve("quarantine");

    /** Rowset 1 has the ids 0 to 99; the file ids up to 64 are logged. */
    private static World newWorld(SplittableRandom random) {
        var world = new World(random.split()).withoutOwnFlushes();
        World.Running running = world.open();
        Table numbers = running.engine().createTable("numbers", Numbers.SCHEMA);
        Numbers.insertRange(numbers, 0, 100);
        Numbers.flush(running, numbers);
        running.engine().close();
        assertEquals(List.of(ROWSETS.resolve("1.rowset")), world.disk().list(ROWSETS));
        return world;
    }

    private static byte[] rows(World world) {
        return world.disk().contents(ROWSETS.resolve("1.rowset"));
    }

    private static void add(World world, Path path, byte[] contents) {
        world.disk().create(path).close();
        world.disk().setContents(path, contents);
        world.disk().syncDirectory(path.resolveSibling(""));
    }

    private static void openAndCheck(World world) {
        byte[] rows = rows(world);
        World.Running running = world.open();
        Table numbers = running.engine().table("numbers").orElseThrow();
        assertEquals(Numbers.list(0, 100), Numbers.ids(numbers.scan()));
        running.engine().close();
        assertEquals(List.of(ROWSETS.resolve("1.rowset")), world.disk().list(ROWSETS));
        assertArrayEquals(rows, rows(world));
    }

    @ParameterizedTest
    @ValueSource(longs = {2, 3, 64})
    void aFileWithALoggedIdThatNoTabletHasIsDeleted(long fileId, @Seed SplittableRandom random) {
        World world = newWorld(random);
        add(world, ROWSETS.resolve(fileId + ".rowset"), rows(world));
        openAndCheck(world);
        assertEquals(List.of(), world.disk().list(QUARANTINE));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "65.rowset",
                "999999999999999999.rowset",
                "9999999999999999999.rowset",
                "0.rowset",
                "02.rowset",
                "-2.rowset",
                "2.rowset.bak",
                "2.ROWSET",
                "2",
                ".hidden",
                "dear.txt"
            })
    void aFileThatIsNotOfThisHostIsKeptAside(String name, @Seed SplittableRandom random) {
        World world = newWorld(random);
        byte[] contents = rows(world);
        add(world, ROWSETS.resolve(name), contents);
        openAndCheck(world);
        assertArrayEquals(contents, world.disk().contents(QUARANTINE.resolve(name)));

        byte[] others = new byte[5000];
        random.nextBytes(others);
        add(world, ROWSETS.resolve(name), others);
        openAndCheck(world);
        openAndCheck(world);
        assertEquals(2, world.disk().list(QUARANTINE).size());
        assertArrayEquals(contents, world.disk().contents(QUARANTINE.resolve(name)), "what was there stays");
        assertArrayEquals(others, world.disk().contents(QUARANTINE.resolve(name + ".2")));
    }

    @Test
    void aDirectoryIsKeptAsideWithWhatIsInIt(@Seed SplittableRandom random) {
        World world = newWorld(random);
        world.disk().createDirectories(ROWSETS.resolve("2024"));
        world.disk().syncDirectory(ROWSETS);
        add(world, ROWSETS.resolve("2024").resolve("2.rowset"), rows(world));
        openAndCheck(world);
        assertArrayEquals(
                rows(world), world.disk().contents(QUARANTINE.resolve("2024").resolve("2.rowset")));
    }

    /** Whoever put the wrong logs beside these files must find all of them again. */
    @Test
    void anOpenThatIsRefusedTouchesNoFile(@Seed SplittableRandom random) {
        World world = newWorld(random);
        Path orphan = ROWSETS.resolve("2.rowset");
        Path dear = ROWSETS.resolve("dear.txt");
        add(world, orphan, rows(world));
        add(world, dear, rows(world));
        Path log = World.DIRECTORY.resolve("wal").resolve("000000000001.sealed");
        world.disk().flipBit(log, 4096 + 20, 1);
        assertThrows(CorruptLogException.class, world::open);
        assertArrayEquals(rows(world), world.disk().contents(orphan));
        assertArrayEquals(rows(world), world.disk().contents(dear));
        world.disk().flipBit(log, 4096 + 20, 1);
        openAndCheck(world);
        assertFalse(world.disk().exists(orphan));
        assertArrayEquals(rows(world), world.disk().contents(QUARANTINE.resolve("dear.txt")));
    }

    /** The file is whole and durable, but the edit that makes it a part of the table never was. */
    @RepeatedTest(6)
    void whatAFlushLeftBehindInAPowerCutIsDeletedAndItsRowsAreThereOnce(@Seed SplittableRandom random) {
        World world = newWorld(random);
        World.Running running = world.open();
        Table numbers = running.engine().table("numbers").orElseThrow();
        Numbers.insertRange(numbers, 100, 200);
        boolean[] isDone = new boolean[1];
        world.disk().failNext(call -> cutBehindSync(world, call, isDone), Kind.OTHER);
        var _ = numbers.flush();
        try {
            for (int i = 0; i < 100_000; i++) {
                running.host().step();
            }
        } catch (PowerCutException _) {
            // As planned.
        }
        assertThrows(PowerCutException.class, () -> world.disk().list(ROWSETS));
        closeDead(running);
        world.disk().restart();
        List<Path> left = world.disk().list(ROWSETS);
        assertTrue(left.size() == 2, "the flush left " + left);

        running = world.open();
        numbers = running.engine().table("numbers").orElseThrow();
        assertEquals(List.of(ROWSETS.resolve("1.rowset")), world.disk().list(ROWSETS));
        assertEquals(Numbers.list(0, 200), Numbers.ids(numbers.scan()));
        assertEquals(
                RowErrorCode.ALREADY_PRESENT,
                Numbers.insert(numbers, 150).errors().getFirst().code());
        Numbers.flush(running, numbers);
        assertEquals(Numbers.list(0, 200), Numbers.ids(numbers.scan()));
        assertFalse(world.disk().list(ROWSETS).contains(left.getLast()), "no file id is used twice");
        running.engine().close();
    }

    /** All of the flush is on disk then, but for the edit, which comes next. */
    private static boolean cutBehindSync(World world, Call call, boolean[] isDone) {
        if (!isDone[0]
                && call.operation() == Operation.SYNC_DIRECTORY
                && call.path().equals(ROWSETS)) {
            isDone[0] = true;
            world.disk().cutPowerAtCall(call.index() + 1);
        }
        return false; // The sync itself does not fail.
    }

    private static void closeDead(World.Running running) {
        try {
            running.engine().close();
        } catch (PowerCutException | IllegalStateException | MemoryLeakException _) {
            // What it can do without power does not matter.
        }
    }

    /** What the storage log says of a delta file is held against the file. */
    @ParameterizedTest
    @CsvSource({"0, 0, 0, ''", "1, 0, 0, 4 changes", "0, 1, 0, 2 of them deletions", "0, 0, 4096, bytes"})
    void aDeltaFileThatIsNotAsTheStorageLogSaysIsRefused(
            int moreChanges, int moreDeletions, int moreBytes, String says, @Seed SplittableRandom random) {
        World world = newWorld(random);
        Path path = writeChanges(world);
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 16 << 20);
                MemoryAccount account = budget.account("test", 0);
                IoPool io = new IoPool(world.disk(), 1, 4);
                var cache = new PageCache(account, io, 1 << 20);
                var lookups = new LookupMemory(account)) {
            var files = new RowSetFiles(cache, account, lookups);
            long fileId = DirectoryLayout.fileId(path).orElseThrow();
            try (DiskRowSet base = files.open(file(world, ROWSETS.resolve("1.rowset")), Numbers.SCHEMA)) {
                long bytes = world.disk().contents(path).length;
                var entry = new DeltaFileEntry(fileId, bytes + moreBytes, 3 + moreChanges, 1 + moreDeletions);
                Executable opening =
                        () -> files.openDeltas(file(world, path), entry, base).close();
                if (says.isEmpty()) {
                    assertDoesNotThrow(opening);
                } else {
                    var refusal = assertThrows(CorruptPageException.class, opening);
                    assertEquals(path, refusal.file());
                    String message = String.valueOf(refusal.getMessage());
                    assertTrue(message.contains("it has 3 changes, 1 of them deletions"), message);
                    assertTrue(
                            message.substring(message.indexOf("the storage log says"))
                                    .contains(says),
                            message);
                }
            }
        }
    }

    /** A delta file of two cells and a deletion. */
    private static Path writeChanges(World world) {
        World.Running running = world.open();
        Table numbers = running.engine().table("numbers").orElseThrow();
        try (WriteBatch batch = numbers.newBatch()) {
            batch.rows().start(UPDATE).setLong(0, 5).setString(1, "five").end();
            batch.rows().start(UPDATE).setLong(0, 6).setString(1, "six").end();
            batch.rows().start(DELETE).setLong(0, 7).end();
            batch.commit().orThrow();
        }
        Numbers.flush(running, numbers);
        running.engine().close();
        return Verification.of(World.DIRECTORY, world.disk()).deltaFiles().getFirst();
    }

    private static RowSetFile file(World world, Path path) {
        MemorySegment header = MemorySegment.ofArray(world.disk().contents(path));
        CFileReader.Source source = CFileDump.source(world.disk(), path, header);
        return new RowSetFile(world.disk(), path, source.fileId(), source.ownerId());
    }
}
