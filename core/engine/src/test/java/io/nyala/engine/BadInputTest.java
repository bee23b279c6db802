package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.SourceTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Goal: bad input of every kind is a clear error (what, where, both values, what to do), and loses nothing that was
 * acknowledged.
 * Method: tables of bad inputs, each with its error and what the message must say; after each the engine is opened
 * anew, has all rows, and takes another. {@link BadInputs} has the inputs; the last table says where others are tested.
 */
final class BadInputTest {
    private static final List<Long> TEN = LongStream.range(0, 10).boxed().toList();

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        # given to an open engine          | error                    | its message says
        unknown column in a batch          | IllegalArgumentException | nope; id, part, name, score
        unknown column in a projection     | IllegalArgumentException | nope; id, part, name, score
        unknown column in a predicate      | IllegalArgumentException | nope; id, part, name, score
        column index beyond the last       | IllegalArgumentException | column; between 0 and 3; 4
        wrong type by name                 | IllegalArgumentException | score; DOUBLE; String
        wrong type by setter               | IllegalArgumentException | score; DOUBLE; whole number
        wrong type in a predicate          | IllegalArgumentException | score; DOUBLE; String
        missing key                        | RowErrorsException       | part
        NULL in NOT NULL                   | RowErrorsException       | score; NULL
        key too long                       | RowErrorsException       | maximum is 16384
        cell too long                      | RowErrorsException       | name; 65,536; 65,537
        row that is there already          | RowErrorsException       | id=5; already
        row that is not there              | RowErrorsException       | id=99; not
        condition on an insert             | IllegalArgumentException | INSERT; use UPSERT
        condition on a key column          | IllegalArgumentException | id; of the key; other columns
        condition of a wrong type          | IllegalArgumentException | score; DOUBLE; String
        condition that does not hold       | RowErrorsException       | CONDITION_NOT_MET; id=5; condition
        atomic batch that fails in part    | RowErrorsException       | ROLLED_BACK; id=70; another; id=5; already
        oversized batch                    | BatchFullException       | 8,388,608
        batch larger than a log record     | BatchTooLargeException   | 20 operations; limit; smaller batches
        table that exists                  | TableExistsException     | "t"; another name
        table without a name               | IllegalArgumentException | table's name; between 1 and 256; 0
        table with a huge name             | IllegalArgumentException | table's name; between 1 and 256; 257
        column with a huge name            | IllegalArgumentException | column; between 1 and 256; 257
        too many columns                   | IllegalArgumentException | columns; between 1 and 1,024; 1,025
        too long defaults                  | EngineLimitException     | "wide"; 524,288 is the limit; defaults
        two columns of one name            | IllegalArgumentException | id
        no key                             | IllegalArgumentException | at least one key column
        snapshot in the future             | IllegalArgumentException | in the future; now
        snapshot that is none              | IllegalArgumentException | snapshot; 0
        limit below zero                   | IllegalArgumentException | limit; -1
        """)
    void isRefusedByAnOpenEngine(String input, String error, String says) {
        EngineConfig config = config();
        try (Engine engine = Engine.open(config)) {
            Table table = engine.createTable("t", BadInputs.SCHEMA);
            BadInputs.insert(table, TEN);
            fails(error, says, () -> BadInputs.give(input, engine, table));
            assertEquals(TEN, BadInputs.ids(table.scan()), "afterwards");
        }
        assertEverythingIsThere(config);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        # found by open                    | error                    | its message says
        disk that nobody knows             | IllegalArgumentException | floppy; best, ring, syscall, channel
        less memory than is needed         | IllegalArgumentException | memoryBytes; needed; raise memoryBytes
        directory that is open             | DirectoryLockedException | {dir}; in use by this process; another directory
        file in place of the directory     | DiskException            | {dir}/file; ot a directory; move the file
        directory below a file             | DiskException            | {dir}/file; ot a directory; move the file
        file in place of wal               | DiskException            | {dir}/wal; ot a directory; move the file
        file in place of rowsets           | DiskException            | {dir}/rowsets; ot a directory; move the file
        missing write-ahead log            | EngineOpenException      | {dir}/wal; missing; backup
        missing storage log                | EngineOpenException      | {dir}/storage; missing; backup
        write-ahead log of another         | EngineOpenException      | {dir}/wal; another directory
        flipped bit in the storage log     | CorruptLogException      | {dir}/storage; at byte 4,; nyala dump
        flipped bit in the write-ahead log | CorruptLogException      | {dir}/wal; at byte 4,; nyala dump
        newer storage log                  | UnsupportedLogException  | {dir}/storage; version 9; version 1; release
        newer write-ahead log              | UnsupportedLogException  | {dir}/wal; version 9; version 1; release
        newer rowset                       | UnsupportedFormatException | {dir}/rowsets; version 9; 1 to 5; release
        """)
    void isRefusedByOpen(String input, String error, String says) throws IOException {
        EngineConfig config = config();
        Path other = directory.resolve("other");
        make(BadInputs.config(other));
        make(config);
        Files.writeString(config.directory().resolve("file"), "somebody's");
        String parts = says.replace("{dir}", config.directory().toString());
        fails(error, parts, () -> BadInputs.open(input, config, other));
        assertEverythingIsThere(config);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        # found by open, and set aside     | a scan of it fails with   | its message says
        flipped bit in a rowset            | MissingRowSetException    | {rowset}; id=0; id=4; crc32c; allowPartial
        rowset that was cut                | MissingRowSetException    | {rowset}; id=0; id=4; cut; allowPartial
        rowset that is gone                | MissingRowSetException    | {rowset}; id=0; id=4; no such; allowPartial
        rowset of another host             | MissingRowSetException    | {rowset}; another file; allowPartial
        missing directory of rowsets       | MissingRowSetException    | {rowset}; id=0; id=4; no such; allowPartial
        """)
    void isSetAsideAndNamed(String input, String error, String says) throws Throwable {
        EngineConfig config = config();
        Path other = directory.resolve("other");
        make(BadInputs.config(other));
        make(config);
        Path rowSet = BadInputs.first(config.directory().resolve("rowsets"));
        BadInputs.damage(input, config, other, () -> {
            try (Engine engine = Engine.open(config)) {
                Table table = engine.table("t").orElseThrow();
                fails(error, says.replace("{rowset}", rowSet.toString()), () -> BadInputs.ids(table.scan()));
                assertEquals(
                        List.of(rowSet),
                        List.of(table.missingRowSets().getFirst().file()));
            }
        });
        assertEverythingIsThere(config);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        # tested elsewhere             | by
        full disk                      | core/engine RealHostTest aFullDiskIsSaidAndLosesNothing
        read-only directory            | core/engine RealHostTest aReadOnlyDirectoryIsRefusedByName
        second process                 | core/engine BadHostTest aDirectoryThatAnotherProcessHasOpenIsRefused
        JVM without --add-exports      | core/engine BadHostTest theMissingExportIsNamed
        JVM without the vector module  | core/engine BadHostTest withoutTheVectorModuleItWarnsAndWorks
        JVM without native access      | core/engine BadHostTest withoutNativeAccessItWarnsAndWorks
        io_uring forbidden             | io-uring-bridge ForbiddenRingTest goesByPwritev2AndSaysWhy
        io_uring forbidden, asked for  | io-uring-bridge ForbiddenRingTest theRingThatWasAskedForIsRefusedWithTheReason
        any byte of a log flipped      | core/engine FlippedLogTest aFlippedByteIsAnErrorOrLosesNothingAcknowledged
        any damage to a rowset         | core/engine MissingRowSetTest allElseServesAndNothingIsLost
        any byte of a rowset flipped   | core/engine MissingRowSetTest noFlippedByteMakesAnAnswerShorterOrAKeyTwice
        strange file among the rowsets | core/engine RowSetFilesTest aFileThatIsNotOfThisHostIsKeptAside
        exit codes                     | edge/cli BadInputCommandsTest endsWithAnExitCodeAndOneLine
        """)
    void isTestedElsewhere(String input, String by) throws IOException {
        String[] words = by.split(" ", -1);
        Path root = SourceTree.root();
        Path tests = root.resolve(words[0]).resolve("src/test/java/io/nyala");
        try (Stream<Path> files = Files.walk(tests)) {
            Path file = files.filter(path -> path.endsWith(words[1] + ".java"))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError(input + ": there is no " + words[1] + " in " + tests));
            assertTrue(Files.readString(file).contains("void " + words[2] + "("), input + ": no test " + by);
        }
    }

    private static void fails(String error, String says, Executable action) {
        Throwable thrown = assertThrows(RuntimeException.class, action);
        assertEquals(error, thrown.getClass().getSimpleName(), thrown::toString);
        for (String part : says.split("; ", -1)) {
            assertTrue(String.valueOf(thrown.getMessage()).contains(part), () -> "lacks \"" + part + "\": " + thrown);
        }
    }

    private EngineConfig config() {
        return BadInputs.config(directory.resolve("data"));
    }

    /** A directory with ten rows in table t, five of them in a rowset, five in the log. */
    private static void make(EngineConfig config) {
        try (Engine engine = Engine.open(config)) {
            Table table = engine.createTable("t", BadInputs.SCHEMA);
            BadInputs.insert(table, TEN.subList(0, 5));
            table.flush().join();
            BadInputs.insert(table, TEN.subList(5, 10));
        }
    }

    private static void assertEverythingIsThere(EngineConfig config) {
        try (Engine engine = Engine.open(config)) {
            Table table = engine.table("t").orElseThrow();
            assertEquals(List.of(), table.missingRowSets());
            assertEquals(TEN, BadInputs.ids(table.scan()), "after a restart");
            BadInputs.insert(table, List.of(10L));
            assertEquals(11, BadInputs.ids(table.scan()).size());
        }
    }
}
