package io.nyala.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: no byte belongs to two owners, limits and reservations hold, and every mistake has a message that says who.
 * Method: random takes and give-backs beside a map of what is out, plus one small case for each message.
 */
final class MemoryBudgetTest {
    private static final long KIB = 1L << 10;
    private static final long MIB = 1L << 20;

    @RepeatedTest(20)
    void sharesOutWithoutOverlap(@Seed SplittableRandom random) {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 32 * MIB)) {
            List<MemoryAccount> accounts = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                accounts.add(budget.account("owner " + i, random.nextLong(3) * 3 * MIB));
            }
            NavigableMap<Long, Slab> out = new TreeMap<>();
            for (int step = 0; step < 2_000; step++) {
                if (random.nextInt(100) < 55) {
                    MemoryAccount account = accounts.get(random.nextInt(accounts.size()));
                    Slab slab = account.tryTake(randomBytes(random));
                    if (slab != null) {
                        assertDisjoint(out, slab);
                        fillWithOffset(slab);
                    }
                } else if (!out.isEmpty()) {
                    Slab slab = Objects.requireNonNull(out.ceilingEntry(random.nextLong(out.lastKey() + 1)))
                            .getValue();
                    out.remove(slab.offset());
                    assertHoldsOffset(slab);
                    slab.account().giveBack(slab);
                }
                assertEquals(out.values().stream().mapToLong(Slab::bytes).sum(), budget.usedBytes());
            }
            for (Slab slab : out.values()) {
                assertHoldsOffset(slab);
                slab.account().giveBack(slab);
            }
            assertEquals(0, budget.usedBytes());
            accounts.forEach(MemoryAccount::close);
            assertEverythingIsFree(budget);
        }
    }

    /** A reservation of one block is enough for one slab of each size; no room is cut up while there is a tighter. */
    @Test
    void slabsOfAllSizesShareABlock() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 2 * MIB);
                MemoryAccount account = budget.account("all", 2 * MIB)) {
            List<Slab> slabs = new ArrayList<>();
            for (long bytes = 4 * KIB; bytes <= MIB; bytes *= 2) {
                slabs.add(account.take(bytes));
            }
            Slab rest = account.take(4 * KIB);
            assertNull(account.tryTake(4 * KIB), "nothing is left");
            Slab smallest = slabs.getFirst();
            Slab widest = slabs.getLast();
            account.giveBack(smallest);
            account.giveBack(widest);
            slabs.set(0, account.take(4 * KIB));
            assertEquals(smallest.offset(), slabs.getFirst().offset());
            slabs.set(slabs.size() - 1, account.take(MIB));
            account.giveBack(rest);
            slabs.forEach(account::giveBack);
            account.giveBack(account.take(2 * MIB));
        }
    }

    private static long randomBytes(SplittableRandom random) {
        return random.nextInt(20) == 0 ? random.nextLong(2 * MIB, 9 * MIB) : 1L << random.nextInt(22);
    }

    private static void assertDisjoint(NavigableMap<Long, Slab> out, Slab slab) {
        assertTrue(slab.offset() >= 2 * MIB, "the first block is never handed out");
        assertEquals(0, slab.offset() % Math.min(slab.bytes(), 2 * MIB), "alignment of " + slab);
        var before = out.floorEntry(slab.offset());
        var after = out.ceilingEntry(slab.offset());
        assertTrue(before == null || before.getKey() + before.getValue().bytes() <= slab.offset(), "overlaps");
        assertTrue(after == null || slab.offset() + slab.bytes() <= after.getKey(), "overlaps");
        out.put(slab.offset(), slab);
    }

    private static void fillWithOffset(Slab slab) {
        slab.segment().set(ValueLayout.JAVA_LONG, 0, slab.offset());
        slab.segment().set(ValueLayout.JAVA_LONG, slab.bytes() - Long.BYTES, ~slab.offset());
    }

    private static void assertHoldsOffset(Slab slab) {
        MemorySegment memory = slab.account().budget().memory();
        assertEquals(slab.offset(), memory.get(ValueLayout.JAVA_LONG, slab.offset()));
        assertEquals(~slab.offset(), memory.get(ValueLayout.JAVA_LONG, slab.offset() + slab.bytes() - Long.BYTES));
    }

    /** The whole limit is there again, in one piece and in the smallest pieces. */
    private static void assertEverythingIsFree(MemoryBudget budget) {
        try (MemoryAccount account = budget.account("all", 0)) {
            account.giveBack(account.take(budget.limitBytes()));
            List<Slab> slabs = new ArrayList<>();
            for (long i = 0; i < budget.limitBytes() / (4 * KIB); i++) {
                slabs.add(account.take(1));
            }
            assertNull(account.tryTake(1));
            slabs.forEach(account::giveBack);
        }
    }

    @Test
    void servesManyThreads(@Seed SplittableRandom random) throws InterruptedException {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 16 * MIB);
                MemoryAccount shared = budget.account("shared", 0)) {
            var failures = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                SplittableRandom own = random.split();
                threads.add(Thread.ofPlatform()
                        .uncaughtExceptionHandler((_, _) -> failures.incrementAndGet())
                        .start(() -> takeAndGiveBack(shared, own)));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertEquals(0, failures.get());
            assertEquals(0, budget.usedBytes());
            assertEverythingIsFree(budget);
        }
    }

    private static void takeAndGiveBack(MemoryAccount shared, SplittableRandom random) {
        List<Slab> own = new ArrayList<>();
        for (int step = 0; step < 3_000; step++) {
            Slab slab = random.nextBoolean() ? shared.tryTake(randomBytes(random)) : null;
            if (slab != null) {
                fillWithOffset(slab);
                own.add(slab);
            } else if (!own.isEmpty()) {
                Slab old = own.remove(random.nextInt(own.size()));
                assertHoldsOffset(old);
                shared.giveBack(old);
            }
        }
        own.forEach(shared::giveBack);
    }

    @Test
    void roundsUpToTheSmallestSizeThatFits() {
        assertEquals(4 * KIB, MemoryBudget.slabBytes(1));
        assertEquals(4 * KIB, MemoryBudget.slabBytes(4 * KIB));
        assertEquals(8 * KIB, MemoryBudget.slabBytes(4 * KIB + 1));
        assertEquals(16 * KIB, MemoryBudget.slabBytes(8 * KIB + 1));
        assertEquals(16 * KIB, MemoryBudget.slabBytes(16 * KIB));
        assertEquals(32 * KIB, MemoryBudget.slabBytes(16 * KIB + 1));
        assertEquals(2 * MIB, MemoryBudget.slabBytes(MIB + 1));
        assertEquals(4 * MIB, MemoryBudget.slabBytes(2 * MIB + 1));
        assertEquals(6 * MIB, MemoryBudget.slabBytes(5 * MIB));
        assertEquals(64 * MIB, MemoryBudget.slabBytes(64 * MIB));
        assertThrows(IllegalArgumentException.class, () -> MemoryBudget.slabBytes(64 * MIB + 1));
        assertThrows(IllegalArgumentException.class, () -> MemoryBudget.slabBytes(0));
    }

    @Test
    void keepsAReservationFromOthers() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 8 * MIB);
                MemoryAccount writer = budget.account("writer", 4 * MIB);
                MemoryAccount reader = budget.account("reader", 0)) {
            List<Slab> taken = new ArrayList<>();
            for (Slab slab = reader.tryTake(16 * KIB); slab != null; slab = reader.tryTake(16 * KIB)) {
                taken.add(slab);
            }
            assertEquals(4 * MIB, reader.usedBytes());
            Slab run = writer.take(4 * MIB); // In one piece, although the reader was greedy.
            assertEquals(8 * MIB, budget.usedBytes());
            assertNull(writer.tryTake(1));
            writer.giveBack(run);
            assertNull(reader.tryTake(1), "what comes back to a reservation stays there");
            taken.forEach(reader::giveBack);
        }
    }

    @Test
    void givesAReservationToAllWhenItsAccountCloses() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 8 * MIB);
                MemoryAccount reader = budget.account("reader", 0)) {
            MemoryAccount writer = budget.account("writer", 5 * MIB);
            assertEquals(6 * MIB, writer.reservedBytes());
            assertNull(reader.tryTake(8 * MIB));
            writer.close();
            writer.close();
            reader.giveBack(reader.take(8 * MIB));
            assertThrows(IllegalStateException.class, () -> writer.take(1));
        }
    }

    @Test
    void takesFromTheCommonPoolBeyondTheReservation() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 6 * MIB);
                MemoryAccount writer = budget.account("writer", 2 * MIB)) {
            Slab first = writer.take(2 * MIB);
            Slab second = writer.take(2 * MIB);
            assertEquals(List.of(new AccountUsage("writer", 4 * MIB, 4 * MIB, 2 * MIB)), budget.usage());
            writer.giveBack(second);
            writer.giveBack(first);
            assertEquals(List.of(new AccountUsage("writer", 0, 4 * MIB, 2 * MIB)), budget.usage());
            assertEquals(4 * MIB, budget.peakBytes());
        }
    }

    @Test
    void namesTheLargestOwnersAtTheLimit() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 8 * MIB);
                MemoryAccount writer = budget.account("writer", 2 * MIB);
                MemoryAccount cache = budget.account("block cache", 0)) {
            Slab slab = cache.take(6 * MIB);
            var limit = assertThrows(MemoryLimitException.class, () -> cache.take(100_000));
            assertEquals(
                    "cannot take 131,072 bytes for block cache: 6,291,456 of 8,388,608 bytes are used, 0 more are free"
                            + " in whole blocks (the rest is reserved, or left over in partly used blocks). Largest"
                            + " owners: block cache 6,291,456, writer 0 (reserved 2,097,152). Wait until they give"
                            + " something back, or raise the limit of the memory budget",
                    limit.getMessage());
            assertThrows(MemoryLimitException.class, () -> budget.account("late", 1));
            assertEquals(6 * MIB, budget.usedBytes());
            Slab own = writer.take(1);
            cache.giveBack(slab);
            var leak = assertThrows(MemoryLeakException.class, writer::close);
            assertEquals(
                    "writer has not given back 4,096 bytes. Whoever takes a slab gives it back before the account is"
                            + " closed",
                    leak.getMessage());
            writer.giveBack(own);
        }
    }

    @Test
    void namesWhoLeakedWhenTheBudgetCloses() {
        var budget = MemoryBudget.open(PageSource.jdk(), 8 * MIB);
        MemoryAccount cache = budget.account("block cache", 0);
        MemoryAccount log = budget.account("log", 0);
        MemoryAccount tidy = budget.account("tidy", 2 * MIB);
        tidy.close();
        Slab page = cache.take(16 * KIB);
        Slab records = log.take(32 * KIB);
        Slab slab = log.take(1);
        var leak = assertThrows(MemoryLeakException.class, budget::close);
        assertEquals(
                "53,248 bytes were not given back before their memory budget was closed: log 36,864, block cache"
                        + " 16,384. Whoever takes a slab gives it back",
                leak.getMessage());
        assertEquals(52 * KIB, leak.leakedBytes());
        budget.close();
        cache.giveBack(page);
        log.giveBack(records);
        slab.segment().fill((byte) 1);
        assertTrue(budget.memory().scope().isAlive(), "whoever has a slab may use it");
        log.giveBack(slab);
        assertFalse(budget.memory().scope().isAlive(), "the memory is released with the last slab");
        assertThrows(IllegalStateException.class, () -> log.take(1));
        assertThrows(IllegalStateException.class, () -> budget.account("late", 0));
    }

    @Test
    void refusesToTakeBackTwiceOrFromAnother() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 2 * MIB);
                MemoryAccount one = budget.account("one", 0);
                MemoryAccount two = budget.account("two", 0)) {
            Slab slab = one.take(1);
            assertThrows(IllegalArgumentException.class, () -> two.giveBack(slab));
            one.giveBack(slab);
            Slab again = two.take(1); // The same memory, now another's: the stale slab must not free it.
            var twice = assertThrows(IllegalStateException.class, () -> one.giveBack(slab));
            assertEquals("given back twice: slab of 4,096 bytes at 2,097,152 of one", twice.getMessage());
            two.giveBack(again);
        }
    }

    @Test
    void poisonsWhatIsFreedAndNoticesLaterWrites() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 2 * MIB);
                MemoryAccount account = budget.account("careless", 0)) {
            Slab stale = account.take(32 * KIB);
            assertEquals(0, stale.segment().get(ValueLayout.JAVA_BYTE, 5), "fresh memory is zero");
            account.giveBack(stale);
            assertEquals(Poison.BYTE, stale.segment().get(ValueLayout.JAVA_BYTE, 32 * KIB - 1));
            stale.segment().set(ValueLayout.JAVA_BYTE, 17 * KIB, (byte) 1);
            account.giveBack(account.take(16 * KIB));
            var error = assertThrows(AssertionError.class, () -> account.take(32 * KIB));
            assertEquals("written to after it was given back: 32768 bytes at 2097152", error.getMessage());
        }
    }

    @Test
    void refusesLimitsThatMakeNoSense() {
        PageSource pages = PageSource.jdk();
        var small = assertThrows(IllegalArgumentException.class, () -> MemoryBudget.open(pages, 2 * MIB - 1));
        assertEquals("limitBytes must be between 2,097,152 and 17,592,186,044,416, was 2,097,151", small.getMessage());
        assertThrows(MemoryLimitException.class, () -> MemoryBudget.open(pages, 1L << 43));
        try (var budget = MemoryBudget.open(pages, 5 * MIB)) {
            budget.populate();
            assertEquals(4 * MIB, budget.limitBytes());
        }
    }
}
