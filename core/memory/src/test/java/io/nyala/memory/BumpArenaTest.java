package io.nyala.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: pieces do not overlap, are aligned, and all go back at close. Method: random pieces, each filled with its own
 * number, all read back at the end.
 */
final class BumpArenaTest {
    private static final long KIB = 1L << 10;
    private static final long MIB = 1L << 20;

    @RepeatedTest(20)
    void handsOutPiecesThatDoNotOverlap(@Seed SplittableRandom random) {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 64 * MIB);
                MemoryAccount account = budget.account("rows", 0)) {
            var arena = new BumpArena(account, (4 * KIB) << random.nextInt(10));
            var bytesAt = new TreeMap<Long, Integer>();
            long usedBytes = 0;
            for (int i = 0; i < 1_000; i++) {
                int bytes = random.nextInt(100) == 0 ? random.nextInt(1, 600_000) : random.nextInt(1, 300);
                long alignment = 1L << random.nextInt(13);
                long offset = arena.allocate(bytes, alignment);
                assertTrue(offset > 0);
                assertEquals(0, offset % alignment);
                arena.memory().asSlice(offset, bytes).fill((byte) bytes);
                bytesAt.put(offset, bytes);
                usedBytes += bytes;
            }
            assertEquals(1_000, bytesAt.size());
            for (Map.Entry<Long, Integer> piece : bytesAt.entrySet()) {
                long last = piece.getKey() + piece.getValue() - 1;
                assertEquals(piece.getValue().byteValue(), arena.memory().get(ValueLayout.JAVA_BYTE, piece.getKey()));
                assertEquals(piece.getValue().byteValue(), arena.memory().get(ValueLayout.JAVA_BYTE, last));
            }
            assertEquals(usedBytes, arena.usedBytes());
            assertEquals(account.usedBytes(), arena.takenBytes());
            arena.close();
            assertEquals(0, account.usedBytes());
            assertThrows(IllegalStateException.class, () -> arena.allocate(1, 1));
        }
    }

    @Test
    void takesSlabsThatGrowWithIt() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 16 * MIB);
                MemoryAccount account = budget.account("arena", 0);
                var arena = new BumpArena(account, 16 * KIB, 64 * KIB)) {
            assertEquals(0, account.usedBytes());
            long[] takenBytes = new long[64];
            for (int i = 0; i < takenBytes.length; i++) {
                arena.allocate(4 * KIB, 8);
                takenBytes[i] = arena.takenBytes();
                assertEquals(takenBytes[i], account.usedBytes());
            }
            // Of 4 KiB each: 4 in the first, 4 in the second, 8 in the third, 16 in each other.
            assertEquals(16 * KIB, takenBytes[3]);
            assertEquals(32 * KIB, takenBytes[4]);
            assertEquals(64 * KIB, takenBytes[8]);
            assertEquals(128 * KIB, takenBytes[16]);
            assertEquals(192 * KIB, takenBytes[32]);
            assertEquals(256 * KIB, takenBytes[63]);
        }
    }

    @Test
    void goesOnWithThePresentSlabAfterALargePiece() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 8 * MIB);
                MemoryAccount account = budget.account("rows", 0);
                var arena = new BumpArena(account, 16 * KIB)) {
            long first = arena.allocate(8, 8);
            arena.allocate(100 * KIB, 8);
            assertEquals(first + 8, arena.allocate(8, 8));
            assertEquals(16 * KIB + 128 * KIB, arena.takenBytes());
        }
    }

    @Test
    void isUnharmedByTheLimit() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 2 * MIB);
                MemoryAccount account = budget.account("rows", 0);
                var arena = new BumpArena(account, 2 * MIB)) {
            long first = arena.allocate(2 * MIB - 8, 8);
            assertThrows(MemoryLimitException.class, () -> arena.allocate(16, 8));
            assertEquals(first + 2 * MIB - 8, arena.allocate(8, 8));
        }
    }

    @RepeatedTest(20)
    void whatWasReservedCanBeAllocatedWhateverOthersTake(@Seed SplittableRandom random) {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 16 * MIB);
                MemoryAccount account = budget.account("rows", 0);
                MemoryAccount other = budget.account("other", 0);
                var greedy = new BumpArena(other, 2 * MIB)) {
            var arena = new BumpArena(account, 64 * KIB);
            for (int i = 0; i < 20; i++) {
                long bytes = random.nextLong(1, 600 * KIB);
                assertTrue(arena.reserve(bytes / 2));
                assertTrue(arena.reserve(bytes));
                assertTrue(arena.reserve(bytes));
                if (i == 19) {
                    while (greedy.reserve(16 * KIB)) {
                        greedy.allocate(16 * KIB, 1);
                    }
                }
                long left = bytes;
                while (left > 64) {
                    long piece = Math.min(left - 63, random.nextLong(1, random.nextInt(10) == 0 ? 600 * KIB : 300));
                    assertEquals(0, arena.allocate(piece, 64) % 64);
                    left -= piece + 63;
                }
            }
            assertEquals(account.usedBytes(), arena.takenBytes());
            arena.close();
            assertEquals(0, account.usedBytes());
        }
    }

    @Test
    void reservesNothingWhereThereIsNoRoom() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 4 * MIB);
                MemoryAccount account = budget.account("rows", 0);
                var arena = new BumpArena(account, 64 * KIB)) {
            assertTrue(arena.reserve(MIB));
            assertEquals(MIB, account.usedBytes());
            assertTrue(!arena.reserve(5 * MIB));
            assertEquals(MIB, account.usedBytes());
            arena.allocate(MIB, 64);
            assertEquals(MIB, account.usedBytes());
        }
    }

    /** As many free blocks as one likes, but no two of them adjacent. */
    @RepeatedTest(10)
    void manySmallPiecesNeedNoSlabOfTheirOwn(@Seed SplittableRandom random) {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 64 * MIB);
                MemoryAccount account = budget.account("rows", 0);
                MemoryAccount other = budget.account("other", 0);
                var arena = new BumpArena(account, 256 * KIB)) {
            List<Slab> blocks = new ArrayList<>();
            for (Slab slab = other.tryTake(2 * MIB); slab != null; slab = other.tryTake(2 * MIB)) {
                blocks.add(slab);
            }
            for (int i = 0; i < blocks.size(); i += 2) {
                other.giveBack(blocks.get(i));
            }
            assertNull(account.tryTake(4 * MIB), "no two blocks are adjacent");
            int pieceBytesMax = random.nextInt(100, 100_000);
            long bytes = 24 * MIB;
            assertTrue(arena.reserve(bytes, pieceBytesMax));
            assertTrue(account.usedBytes() <= BumpArena.reservedBytes(bytes, pieceBytesMax));
            for (Slab slab = other.tryTake(16 * KIB); slab != null; slab = other.tryTake(16 * KIB)) {
                blocks.add(slab);
            }
            for (long left = bytes; left > pieceBytesMax; ) {
                int piece = random.nextInt(64, pieceBytesMax + 1);
                arena.allocate(piece - 7, 8);
                left -= piece;
            }
            for (int i = 1; i < blocks.size(); i += i < 31 ? 2 : 1) {
                other.giveBack(blocks.get(i));
            }
        }
    }

    @Test
    void whatWasReservedInVainGoesBack() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 32 * MIB);
                MemoryAccount account = budget.account("rows", 0);
                var arena = new BumpArena(account, 64 * KIB)) {
            assertTrue(!arena.reserve(40 * MIB, 100));
            assertEquals(0, account.usedBytes(), "the slabs before the one that was missing");
            assertTrue(arena.reserve(20 * MIB, 100));
            arena.allocate(5 * MIB / 2, 8);
            arena.trim();
            assertTrue(account.usedBytes() <= 8 * MIB, "still has " + account.usedBytes());
            assertEquals(account.usedBytes(), arena.takenBytes());
        }
    }

    @Test
    void theSlabThatItBeganWithBeginsTheNextOne() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 4 * MIB);
                MemoryAccount account = budget.account("rows", 0)) {
            var before = new BumpArena(account, account.take(4 * KIB), 64 * KIB);
            long first = before.allocate(100, 8);
            before.allocate(4 * KIB, 8);
            assertEquals(8 * KIB, account.usedBytes(), "another as large");
            before.allocate(8 * KIB, 8);
            assertEquals(16 * KIB, account.usedBytes(), "as large as both");
            Slab slab = before.closeExceptFirst();
            assertEquals(4 * KIB, account.usedBytes());
            try (var next = new BumpArena(account, slab, 64 * KIB)) {
                assertEquals(first, next.allocate(100, 8));
                assertEquals(4 * KIB, next.takenBytes());
            }
            assertEquals(0, account.usedBytes());
        }
    }
}
