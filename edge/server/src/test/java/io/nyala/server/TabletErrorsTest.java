package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.CorruptPageException;
import io.nyala.cfile.UnsupportedFormatException;
import io.nyala.encoding.CorruptVectorException;
import io.nyala.engine.EngineClosedException;
import io.nyala.engine.EngineLimitException;
import io.nyala.engine.MaintenanceFailedException;
import io.nyala.engine.TableChangedException;
import io.nyala.engine.TableNotFoundException;
import io.nyala.io.DirectoryLockedException;
import io.nyala.io.DiskException;
import io.nyala.memory.MemoryLimitException;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rows.Schema;
import io.nyala.rpc.RpcErrorCode;
import io.nyala.rpc.RpcException;
import io.nyala.table.AncientSnapshotException;
import io.nyala.table.TableDroppedException;
import io.nyala.table.WrongTabletException;
import io.nyala.tablet.BatchTooLargeException;
import io.nyala.tablet.MissingRowSet;
import io.nyala.tablet.MissingRowSetException;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.TabletBusyException;
import io.nyala.tablet.TabletClosedException;
import io.nyala.tablet.TabletFailedException;
import io.nyala.wal.LogFullException;
import io.nyala.wal.LogStoppedException;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: what a caller can do about a failure is what a client is told, and no failure that has a name is called a fault
 * of the server. Method: each exception of this project that is on the class path, by what is expected of it.
 */
final class TabletErrorsTest {
    /** By their names, of which some are only of the class path of a test. */
    private static final Map<String, String> NEVER = Map.ofEntries(
            Map.entry("TabletException", "is the answer itself"),
            Map.entry("WireException", "is the answer itself"),
            Map.entry("RpcException", "fails the call"),
            Map.entry("BadFrameException", "ends the connection"),
            Map.entry("RequestMismatchException", "fails the call"),
            Map.entry("StaleRequestException", "fails the call"),
            Map.entry("MasterException", "of the master"),
            Map.entry("TableExistsException", "of the master"),
            Map.entry("WebException", "of a page"),
            Map.entry("EngineOpenException", "before there is a server"),
            Map.entry("CorruptLogException", "before there is a server"),
            Map.entry("UnsupportedLogException", "before there is a server"),
            Map.entry("MemoryLeakException", "when the engine is closed"),
            Map.entry("BatchFullException", "is thrown to who fills a batch, and begins the next part"),
            Map.entry("RowErrorsException", "only if asked for; here errors are looked at one by one"),
            Map.entry("PartialCommitException", "of batches for several tablets; here each is for one"),
            Map.entry("PowerCutException", "of the simulation"));

    static Stream<Arguments> failures() {
        return Stream.of(
                Arguments.of(CorruptPageException.class, Code.UNKNOWN_ERROR, ErrorCode.CORRUPTION),
                Arguments.of(CorruptVectorException.class, Code.UNKNOWN_ERROR, ErrorCode.CORRUPTION),
                Arguments.of(MalformedBytesException.class, Code.UNKNOWN_ERROR, ErrorCode.CORRUPTION),
                Arguments.of(UnsupportedFormatException.class, Code.UNKNOWN_ERROR, ErrorCode.NOT_SUPPORTED),
                Arguments.of(DiskException.class, Code.UNKNOWN_ERROR, ErrorCode.IO_ERROR),
                Arguments.of(DirectoryLockedException.class, Code.UNKNOWN_ERROR, ErrorCode.IO_ERROR),
                Arguments.of(MissingRowSetException.class, Code.TABLET_FAILED, ErrorCode.IO_ERROR),
                Arguments.of(MaintenanceFailedException.class, Code.TABLET_FAILED, ErrorCode.IO_ERROR),
                Arguments.of(WrongTabletException.class, Code.UNKNOWN_ERROR, ErrorCode.NOT_FOUND),
                Arguments.of(TableDroppedException.class, Code.TABLET_NOT_FOUND, ErrorCode.NOT_FOUND),
                Arguments.of(TabletFailedException.class, Code.TABLET_FAILED, ErrorCode.IO_ERROR),
                Arguments.of(LogStoppedException.class, Code.TABLET_FAILED, ErrorCode.IO_ERROR),
                Arguments.of(AncientSnapshotException.class, Code.INVALID_SNAPSHOT, ErrorCode.INVALID_ARGUMENT),
                Arguments.of(TableNotFoundException.class, Code.TABLET_NOT_FOUND, ErrorCode.NOT_FOUND),
                Arguments.of(BatchTooLargeException.class, Code.UNKNOWN_ERROR, ErrorCode.INVALID_ARGUMENT),
                Arguments.of(IllegalArgumentException.class, Code.UNKNOWN_ERROR, ErrorCode.INVALID_ARGUMENT));
    }

    /** What passes. Clients in C++ come again for these codes of a call, and give up for any of an answer. */
    static Stream<Arguments> passing() {
        return Stream.of(
                Arguments.of(LogFullException.class, RpcErrorCode.ERROR_SERVER_TOO_BUSY),
                Arguments.of(MemoryLimitException.class, RpcErrorCode.ERROR_SERVER_TOO_BUSY),
                Arguments.of(TabletBusyException.class, RpcErrorCode.ERROR_SERVER_TOO_BUSY),
                Arguments.of(EngineLimitException.class, RpcErrorCode.ERROR_SERVER_TOO_BUSY),
                Arguments.of(TableChangedException.class, RpcErrorCode.ERROR_SERVER_TOO_BUSY),
                Arguments.of(EngineClosedException.class, RpcErrorCode.ERROR_UNAVAILABLE),
                Arguments.of(TabletClosedException.class, RpcErrorCode.ERROR_UNAVAILABLE));
    }

    @ParameterizedTest
    @MethodSource("passing")
    void whatPassesFailsTheCall(Class<RuntimeException> type, RpcErrorCode code) throws Exception {
        RuntimeException failure = made(type);
        assertEquals(
                code,
                assertThrows(RpcException.class, () -> TabletErrors.of(failure)).code());
        assertEquals(
                ErrorCode.SERVICE_UNAVAILABLE,
                TabletErrors.ofAny(failure).getStatus().getCode(),
                "where some rows are in, and the others cannot come again");
    }

    @ParameterizedTest
    @MethodSource("failures")
    void tellsWhatCanBeDone(Class<RuntimeException> type, Code code, ErrorCode status) throws Exception {
        TabletServerErrorPB error = TabletErrors.of(made(type));
        assertEquals(code, error.getCode());
        assertEquals(status, error.getStatus().getCode());
    }

    /** A page that was damaged had been forgotten, and was called a fault of the server. */
    @Test
    void noExceptionIsForgotten() throws Exception {
        Set<String> known = Stream.concat(failures(), passing())
                .map(each -> String.valueOf(each.get()[0]).replaceFirst(".*\\.", ""))
                .collect(Collectors.toSet());
        known.remove("IllegalArgumentException"); // The JDK's.
        Set<String> found = exceptions();
        assertTrue(found.containsAll(known), () -> "the search finds what there is; of " + known + " only " + found);
        found.removeAll(known);
        found.removeAll(NEVER.keySet());
        assertEquals(
                Set.of(), found, "say in TabletErrors and here what a client is told of these, or here why it is not");
    }

    /** The public ones of all modules, by their simple names. */
    static Set<String> exceptions() throws IOException, ReflectiveOperationException {
        Set<String> found = new TreeSet<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            for (String name : classes(Path.of(entry))) {
                Class<?> type = Class.forName(name, false, TabletErrorsTest.class.getClassLoader());
                if (RuntimeException.class.isAssignableFrom(type) && Modifier.isPublic(type.getModifiers())) {
                    found.add(type.getSimpleName());
                }
            }
        }
        return found;
    }

    /** Our exceptions in a directory or an archive. */
    private static List<String> classes(Path entry) throws IOException {
        if (Files.isDirectory(entry)) {
            try (Stream<Path> files = Files.walk(entry)) {
                return ours(files.map(file -> entry.relativize(file).toString()));
            }
        }
        if (!Files.exists(entry)) {
            return List.of();
        }
        try (JarFile jar = new JarFile(entry.toFile())) {
            return ours(jar.stream().map(JarEntry::getName));
        }
    }

    private static List<String> ours(Stream<String> files) {
        return files.map(file -> file.replace(File.separatorChar, '/'))
                .filter(file -> file.startsWith("io/nyala/") && file.endsWith("Exception.class"))
                .filter(file -> file.indexOf('$') < 0)
                .map(file ->
                        file.substring(0, file.length() - ".class".length()).replace('/', '.'))
                .toList();
    }

    @Test
    void aFaultOfTheServerIsNoAnswer() {
        var fault = new IllegalStateException("broken");
        assertSame(fault, assertThrows(IllegalStateException.class, () -> TabletErrors.of(fault)));
        assertEquals(
                ErrorCode.RUNTIME_ERROR, TabletErrors.ofAny(fault).getStatus().getCode());
    }

    /** One of that type: most can be made by their own packages only. */
    static RuntimeException made(Class<RuntimeException> type) throws ReflectiveOperationException {
        Constructor<?> constructor = Arrays.stream(type.getDeclaredConstructors())
                .min(Comparator.comparingInt(Constructor::getParameterCount))
                .orElseThrow();
        constructor.setAccessible(true);
        return type.cast(constructor.newInstance(Arrays.stream(constructor.getParameterTypes())
                .map(TabletErrorsTest::argument)
                .toArray()));
    }

    private static Object argument(Class<?> type) {
        if (type.isEnum()) {
            return type.getEnumConstants()[0];
        }
        return switch (type.getSimpleName()) {
            case "boolean" -> true;
            case "String" -> "words";
            case "long" -> 7L;
            case "int" -> 7;
            case "Path" -> Path.of("7.rowset");
            case "MissingRowSet" ->
                new MissingRowSet(
                        7,
                        Schema.of(Column.key("k", ColumnType.INT32)),
                        Path.of("7.rowset"),
                        new RowSetEntry(7, 7, 7, new byte[Integer.BYTES], new byte[Integer.BYTES], 0, List.of()),
                        new IllegalStateException("cause"));
            default -> new IllegalStateException("cause");
        };
    }
}
