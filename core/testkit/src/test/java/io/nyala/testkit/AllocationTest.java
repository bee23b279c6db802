package io.nyala.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: code that allocates is found, code that does not is left in peace.
 * Method: one of each, and an allocation just above and below a limit.
 */
@Tag("allocation")
final class AllocationTest {
    private static final long WARM_UP_NANOS = 50_000_000; // Enough here, where nothing waits to be optimized away.

    private static volatile @Nullable Object sink;
    private static volatile long sum;

    @Test
    void findsNothingInCodeThatAllocatesNothing() {
        assertEquals(0, Allocation.assertNone("a sum", () -> sum = System.identityHashCode(this)));
    }

    @Test
    void findsOneSmallObjectPerRun() {
        Runnable code = () -> sink = new Object();
        Failure.expect(
                AssertionError.class,
                () -> Allocation.assertAtMost(0, "a new object", code, WARM_UP_NANOS),
                "a new object allocates ");
    }

    @Test
    void measuresABigArrayToTheHeader() {
        long bytes = Allocation.bytes(() -> sink = new byte[1 << 20]);
        assertTrue(bytes >= 1 << 20 && bytes < (1 << 20) + 4096, bytes + " bytes");
    }

    @Test
    void allowsWhatTheLimitAllows() {
        Runnable code = () -> sink = new byte[1000];
        long bytes = Allocation.assertAtMost(1024, "a kilobyte", code, WARM_UP_NANOS);
        assertTrue(bytes >= 1000, bytes + " bytes");
        assertThrows(AssertionError.class, () -> Allocation.assertAtMost(999, "a kilobyte", code, WARM_UP_NANOS));
    }
}
