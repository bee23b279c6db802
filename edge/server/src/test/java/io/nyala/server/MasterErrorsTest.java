package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.CorruptPageException;
import io.nyala.cfile.UnsupportedFormatException;
import io.nyala.encoding.CorruptVectorException;
import io.nyala.engine.EngineLimitException;
import io.nyala.engine.MaintenanceFailedException;
import io.nyala.engine.TableNotFoundException;
import io.nyala.io.DirectoryLockedException;
import io.nyala.io.DiskException;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.master.Master.MasterErrorPB;
import io.nyala.protocol.master.Master.MasterErrorPB.Code;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rpc.RpcErrorCode;
import io.nyala.rpc.RpcException;
import io.nyala.table.TableDroppedException;
import io.nyala.tablet.MissingRowSetException;
import io.nyala.tablet.TabletFailedException;
import io.nyala.wal.LogStoppedException;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: what a caller can do about a failure is what a client of the master is told, and no failure that has a name is
 * called a fault of the server. Method: each exception of this project that is on the class path, by what is expected
 * of it.
 */
final class MasterErrorsTest {
    /** By their names, of which some are only of the class path of a test. */
    private static final Map<String, String> NEVER = Map.ofEntries(
            Map.entry("MasterException", "is the answer itself"),
            Map.entry("WireException", "is the answer itself"),
            Map.entry("RpcException", "fails the call"),
            Map.entry("BadFrameException", "ends the connection"),
            Map.entry("TableExistsException", "is told where the name is known, with the id"),
            Map.entry("TabletException", "of the tablet server"),
            Map.entry("WrongTabletException", "of rows"),
            Map.entry("AncientSnapshotException", "of scans"),
            Map.entry("BatchTooLargeException", "of rows"),
            Map.entry("BatchFullException", "of rows"),
            Map.entry("RowErrorsException", "of rows"),
            Map.entry("PartialCommitException", "of rows"),
            Map.entry("TableChangedException", "of rows"),
            Map.entry("RequestMismatchException", "of rows"),
            Map.entry("StaleRequestException", "of rows"),
            Map.entry("WebException", "of a page"),
            Map.entry("EngineOpenException", "before there is a server"),
            Map.entry("CorruptLogException", "before there is a server"),
            Map.entry("UnsupportedLogException", "before there is a server"),
            Map.entry("MemoryLeakException", "when the engine is closed"),
            Map.entry("PowerCutException", "of the simulation"));

    static Stream<Arguments> failures() {
        return Stream.of(
                Arguments.of(CorruptPageException.class, Code.UNKNOWN_ERROR, ErrorCode.CORRUPTION),
                Arguments.of(CorruptVectorException.class, Code.UNKNOWN_ERROR, ErrorCode.CORRUPTION),
                Arguments.of(MalformedBytesException.class, Code.UNKNOWN_ERROR, ErrorCode.CORRUPTION),
                Arguments.of(UnsupportedFormatException.class, Code.UNKNOWN_ERROR, ErrorCode.NOT_SUPPORTED),
                Arguments.of(DiskException.class, Code.UNKNOWN_ERROR, ErrorCode.IO_ERROR),
                Arguments.of(DirectoryLockedException.class, Code.UNKNOWN_ERROR, ErrorCode.IO_ERROR),
                Arguments.of(MissingRowSetException.class, Code.UNKNOWN_ERROR, ErrorCode.IO_ERROR),
                Arguments.of(MaintenanceFailedException.class, Code.UNKNOWN_ERROR, ErrorCode.IO_ERROR),
                Arguments.of(TabletFailedException.class, Code.UNKNOWN_ERROR, ErrorCode.IO_ERROR),
                Arguments.of(LogStoppedException.class, Code.UNKNOWN_ERROR, ErrorCode.IO_ERROR),
                Arguments.of(EngineLimitException.class, Code.TOO_MANY_TABLETS, ErrorCode.INVALID_ARGUMENT),
                Arguments.of(TableNotFoundException.class, Code.TABLE_NOT_FOUND, ErrorCode.NOT_FOUND),
                Arguments.of(TableDroppedException.class, Code.TABLE_NOT_FOUND, ErrorCode.NOT_FOUND),
                Arguments.of(IllegalArgumentException.class, Code.UNKNOWN_ERROR, ErrorCode.INVALID_ARGUMENT));
    }

    /** As of a tablet server; but too many tablets stay too many. */
    static Stream<Arguments> passing() {
        return TabletErrorsTest.passing().filter(each -> each.get()[0] != EngineLimitException.class);
    }

    @ParameterizedTest
    @MethodSource("passing")
    void whatPassesFailsTheCall(Class<RuntimeException> type, RpcErrorCode code) throws Exception {
        RuntimeException failure = TabletErrorsTest.made(type);
        assertEquals(
                code,
                assertThrows(RpcException.class, () -> MasterErrors.of(failure)).code());
    }

    @ParameterizedTest
    @MethodSource("failures")
    void tellsWhatCanBeDone(Class<RuntimeException> type, Code code, ErrorCode status) throws Exception {
        MasterErrorPB error = MasterErrors.of(TabletErrorsTest.made(type));
        assertEquals(code, error.getCode());
        assertEquals(status, error.getStatus().getCode());
    }

    /** What is damaged had been forgotten, and was called a fault of the server. */
    @Test
    void noExceptionIsForgotten() throws Exception {
        Set<String> known = Stream.concat(failures(), passing())
                .map(each -> String.valueOf(each.get()[0]).replaceFirst(".*\\.", ""))
                .collect(Collectors.toSet());
        known.remove("IllegalArgumentException"); // The JDK's.
        Set<String> found = TabletErrorsTest.exceptions();
        assertTrue(found.containsAll(known), () -> "the search finds what there is; of " + known + " only " + found);
        found.removeAll(known);
        found.removeAll(NEVER.keySet());
        assertEquals(
                Set.of(), found, "say in MasterErrors and here what a client is told of these, or here why it is not");
    }

    @Test
    void aFaultOfTheServerIsNoAnswer() {
        var fault = new IllegalStateException("broken");
        assertSame(fault, assertThrows(IllegalStateException.class, () -> MasterErrors.of(fault)));
    }
}
