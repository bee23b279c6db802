package io.nyala.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import io.nyala.testkit.Spin;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Goal: nothing is freed under a reader, and everything is freed once its readers have left. Method: random entries,
 * exits and retirements beside the sets of readers that must hold each thing; and threads that read cells which a
 * writer keeps replacing and spoils as soon as it may.
 */
final class EpochsTest {
    /** A retired thing of the model: freed when none of the readers that were in at that time is left. */
    private record Thing(int number, BitSet holders) {}

    @RepeatedTest(50)
    void freesExactlyWhatNoReaderCanSee(@Seed SplittableRandom random) {
        int readersMax = random.nextInt(1, random.nextBoolean() ? 9 : 40); // Of one block of slots, or of several.
        var epochs = new Epochs(readersMax);
        var in = new BitSet();
        List<Thing> things = new ArrayList<>();
        var freed = new BitSet();
        for (int step = 0; step < 500; step++) {
            switch (random.nextInt(4)) {
                case 0 -> {
                    if (in.cardinality() == readersMax) {
                        assertThrows(IllegalStateException.class, epochs::enter);
                    } else {
                        int ticket = epochs.enter();
                        assertTrue(!in.get(ticket), "two readers in one slot");
                        in.set(ticket);
                    }
                }
                case 1 -> {
                    int ticket = in.nextSetBit(random.nextInt(readersMax));
                    if (ticket >= 0) {
                        epochs.exit(ticket);
                        in.clear(ticket);
                        things.forEach(thing -> thing.holders().clear(ticket));
                    }
                }
                case 2 -> {
                    int number = step;
                    things.add(new Thing(number, (BitSet) in.clone()));
                    epochs.retire(() -> freed.set(number));
                }
                default -> {
                    var expected = (BitSet) freed.clone();
                    things.stream()
                            .filter(thing -> thing.holders().isEmpty())
                            .forEach(thing -> expected.set(thing.number()));
                    things.removeIf(thing -> thing.holders().isEmpty());
                    int before = freed.cardinality();
                    int count = epochs.reclaim();
                    assertEquals(expected, freed);
                    assertEquals(freed.cardinality() - before, count);
                    assertEquals(things.size(), epochs.pending());
                }
            }
        }
    }

    @Test
    void saysWhoIsWrong() {
        var epochs = new Epochs(2);
        int first = epochs.enter();
        epochs.enter();
        var full = assertThrows(IllegalStateException.class, epochs::enter);
        assertEquals(
                "2 readers are in, which is the limit. Let each reader leave after every vector, or open with a larger"
                        + " readersMax",
                full.getMessage());
        epochs.exit(first);
        var twice = assertThrows(IllegalStateException.class, () -> epochs.exit(first));
        assertEquals("reader " + first + " is not in: it left twice, or never entered", twice.getMessage());
        assertThrows(IllegalArgumentException.class, () -> epochs.exit(2));
        assertThrows(IllegalArgumentException.class, () -> new Epochs(0));
    }

    @Test
    void aTicketThatWasNeverGivenIsRefused() {
        var epochs = new Epochs(100);
        for (int ticket : new int[] {0, 16, 99}) {
            assertThrows(IllegalStateException.class, () -> epochs.exit(ticket));
        }
    }

    @Test
    void goesOnAfterAFreeThatFails() {
        var epochs = new Epochs(1);
        var ran = new AtomicBoolean();
        epochs.retire(() -> {
            throw new IllegalStateException("cannot free");
        });
        epochs.retire(() -> ran.set(true));
        assertThrows(IllegalStateException.class, epochs::reclaim);
        assertEquals(1, epochs.reclaim());
        assertTrue(ran.get());
    }

    /**
     * Cells of two longs, which are equal while the cell is alive. A pointer to the present one is published by the
     * writer.
     */
    private static final class Cells {
        static final int COUNT = 64;
        static final VarHandle POINTER = handle();

        final MemorySegment memory;
        final long base;
        final ArrayDeque<Long> free = new ArrayDeque<>();
        long pointer; // Accessed through POINTER.

        Cells(Slab slab) {
            memory = slab.account().budget().memory();
            base = slab.offset();
            for (int i = 0; i < COUNT; i++) {
                free.add(base + i * 16L);
            }
        }

        void fill(long cell, long value) {
            memory.set(ValueLayout.JAVA_LONG, cell, value);
            memory.set(ValueLayout.JAVA_LONG, cell + 8, value);
        }

        private static VarHandle handle() {
            try {
                return MethodHandles.lookup().findVarHandle(Cells.class, "pointer", long.class);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }
    }

    @Test
    @Timeout(300)
    void freesNothingUnderReaders() throws InterruptedException {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 2 << 20);
                MemoryAccount account = budget.account("cells", 0)) {
            Slab slab = account.take(Cells.COUNT * 16L);
            var cells = new Cells(slab);
            var epochs = new Epochs(3);
            var done = new AtomicBoolean();
            var failure = new AtomicReference<Throwable>();
            long first = cells.free.remove();
            cells.fill(first, 1);
            Cells.POINTER.setRelease(cells, first);
            List<Thread> readers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                readers.add(Thread.ofPlatform().start(() -> readUntil(done, cells, epochs, failure)));
            }
            replaceCells(cells, epochs, 200_000);
            done.set(true);
            for (Thread reader : readers) {
                reader.join();
            }
            epochs.reclaim();
            assertEquals(0, epochs.pending());
            assertNull(failure.get(), () -> String.valueOf(failure.get()));
            account.giveBack(slab);
        }
    }

    private static void readUntil(AtomicBoolean done, Cells cells, Epochs epochs, AtomicReference<Throwable> failure) {
        long newest = 0;
        while (!done.get()) {
            int ticket = epochs.enter();
            long cell = (long) Cells.POINTER.getAcquire(cells);
            long value = cells.memory.get(ValueLayout.JAVA_LONG, cell);
            Thread.onSpinWait();
            long again = cells.memory.get(ValueLayout.JAVA_LONG, cell + 8);
            epochs.exit(ticket);
            if (value != again || value < newest) {
                failure.set(new AssertionError("read " + value + " and " + again + " after " + newest));
                return;
            }
            newest = value;
        }
    }

    /** Spoils each cell as soon as it is freed, and uses it again. */
    private static void replaceCells(Cells cells, Epochs epochs, int times) {
        for (long value = 2; value < times; value++) {
            while (cells.free.isEmpty()) {
                if (epochs.reclaim() == 0) {
                    LockSupport.parkNanos(10_000);
                }
            }
            long old = cells.pointer;
            long next = cells.free.remove();
            cells.fill(next, value);
            Cells.POINTER.setRelease(cells, next);
            epochs.retire(() -> {
                cells.fill(old, -1);
                cells.free.add(old);
            });
            if (value % 3 == 0) {
                epochs.reclaim();
            }
        }
    }

    /**
     * A writer that finds the only reader in goes to sleep; the reader looks for work to announce when it leaves. The
     * two meet at every offset, as often as the machine's store buffers need to show a read that overtook a write.
     */
    @Test
    @Timeout(300)
    void theReaderThatLeavesLastAlwaysWakesTheWriter() throws InterruptedException {
        int rounds = 100_000;
        var epochs = new Epochs(1);
        var round = new AtomicInteger();
        var wakes = new AtomicInteger();
        var left = new AtomicInteger();
        Thread reader = Thread.ofPlatform().start(() -> {
            for (int i = 1; i <= rounds; i++) {
                int ticket = epochs.enter();
                round.set(i);
                epochs.exit(ticket);
                if (epochs.pending() > 0) {
                    wakes.set(i);
                }
                left.set(i);
                int present = i;
                Spin.until(() -> round.get() != present);
            }
        });
        int lost = 0;
        for (int i = 1; i <= rounds; i++) {
            int present = i;
            Spin.until(() -> round.get() == present);
            epochs.retire(() -> {});
            boolean isAsleep = epochs.reclaim() == 0;
            Spin.until(() -> left.get() == present); // From here on nobody wakes it.
            if (isAsleep && wakes.get() != i) {
                lost++;
            }
            epochs.reclaim();
            round.set(-i);
        }
        reader.join();
        assertEquals(0, lost, "wake-ups lost in " + rounds + " rounds");
        assertEquals(0, epochs.pending());
    }

    @Test
    @Timeout(300)
    void whoFindsNoSlotWaitsUntilOneIsFree() throws InterruptedException {
        var epochs = new Epochs(2);
        var entered = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            threads.add(Thread.ofPlatform().start(() -> {
                for (int round = 0; round < 5_000; round++) {
                    int ticket = epochs.enterOrWait();
                    assertTrue(entered.incrementAndGet() <= 2, "more are in than may be");
                    entered.decrementAndGet();
                    epochs.exit(ticket);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(0, entered.get());
    }
}
