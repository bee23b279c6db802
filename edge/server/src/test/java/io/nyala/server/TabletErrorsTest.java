package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.nyala.engine.EngineClosedException;
import io.nyala.engine.EngineLimitException;
import io.nyala.engine.TableChangedException;
import io.nyala.engine.TableNotFoundException;
import io.nyala.memory.MemoryLimitException;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.tablet.BatchTooLargeException;
import io.nyala.tablet.TabletBusyException;
import io.nyala.tablet.TabletClosedException;
import io.nyala.tablet.TabletFailedException;
import io.nyala.wal.LogFullException;
import io.nyala.wal.LogStoppedException;
import java.lang.reflect.Constructor;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: what a caller can do about a failure is what a client is told, and no failure that has a name is called a fault
 * of the server. Method: a table of what the engine throws.
 */
final class TabletErrorsTest {
    static Stream<Arguments> failures() {
        return Stream.of(
                Arguments.of(LogFullException.class, Code.THROTTLED, ErrorCode.SERVICE_UNAVAILABLE),
                Arguments.of(MemoryLimitException.class, Code.THROTTLED, ErrorCode.SERVICE_UNAVAILABLE),
                Arguments.of(TabletBusyException.class, Code.THROTTLED, ErrorCode.SERVICE_UNAVAILABLE),
                Arguments.of(EngineLimitException.class, Code.THROTTLED, ErrorCode.SERVICE_UNAVAILABLE),
                Arguments.of(TableChangedException.class, Code.THROTTLED, ErrorCode.SERVICE_UNAVAILABLE),
                Arguments.of(EngineClosedException.class, Code.TABLET_NOT_RUNNING, ErrorCode.SERVICE_UNAVAILABLE),
                Arguments.of(TabletClosedException.class, Code.TABLET_NOT_RUNNING, ErrorCode.SERVICE_UNAVAILABLE),
                Arguments.of(TabletFailedException.class, Code.TABLET_FAILED, ErrorCode.IO_ERROR),
                Arguments.of(LogStoppedException.class, Code.TABLET_FAILED, ErrorCode.IO_ERROR),
                Arguments.of(TableNotFoundException.class, Code.TABLET_NOT_FOUND, ErrorCode.NOT_FOUND),
                Arguments.of(BatchTooLargeException.class, Code.UNKNOWN_ERROR, ErrorCode.INVALID_ARGUMENT),
                Arguments.of(IllegalArgumentException.class, Code.UNKNOWN_ERROR, ErrorCode.INVALID_ARGUMENT));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void tellsWhatCanBeDone(Class<RuntimeException> type, Code code, ErrorCode status) throws Exception {
        TabletServerErrorPB error = TabletErrors.of(made(type));
        assertEquals(code, error.getCode());
        assertEquals(status, error.getStatus().getCode());
    }

    @Test
    void aFaultOfTheServerIsNoAnswer() {
        var fault = new IllegalStateException("broken");
        assertSame(fault, assertThrows(IllegalStateException.class, () -> TabletErrors.of(fault)));
        assertEquals(
                ErrorCode.RUNTIME_ERROR, TabletErrors.ofAny(fault).getStatus().getCode());
    }

    /** One of that type: most can be made by their own packages only. */
    private static RuntimeException made(Class<RuntimeException> type) throws ReflectiveOperationException {
        Constructor<?> constructor = Arrays.stream(type.getDeclaredConstructors())
                .filter(each -> Arrays.stream(each.getParameterTypes())
                        .allMatch(parameter ->
                                parameter == String.class || parameter == long.class || parameter == Throwable.class))
                .findFirst()
                .orElseThrow();
        constructor.setAccessible(true);
        return type.cast(constructor.newInstance(Arrays.stream(constructor.getParameterTypes())
                .map(TabletErrorsTest::argument)
                .toArray()));
    }

    private static Object argument(Class<?> type) {
        return type == String.class ? "words" : type == long.class ? (Object) 7L : new IllegalStateException("cause");
    }
}
