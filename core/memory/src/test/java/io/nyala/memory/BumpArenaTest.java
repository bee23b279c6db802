package io.nyala.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.lang.foreign.ValueLayout;
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
            var arena = new BumpArena(account, (16 * KIB) << random.nextInt(8));
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
}
