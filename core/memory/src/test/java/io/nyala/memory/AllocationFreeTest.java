package io.nyala.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.testkit.Allocation;
import java.lang.foreign.MemorySegment;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: what runs per row or per vector puts nothing on the Java heap, also where the JIT has seen both kinds of
 * kernels. Method: the counter of the thread, once the code is warm.
 */
@Tag("allocation")
final class AllocationFreeTest {
    private static final int COUNT = Kernels.COUNT_MAX;
    private static final long MIB = 1L << 20;

    // Offsets of the memory that a kernel test works on.
    private static final long PACKED = 0;
    private static final long VALUES = 16 << 10;
    private static final long TARGET = 48 << 10;
    private static final long BITMAP = 80 << 10;
    private static final long SELECTION = 96 << 10;
    private static final long SLAB_BYTES = 128 << 10;

    static Stream<Kernels> kernels() {
        return KernelsTest.kernels();
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void kernelsAllocateNothing(Kernels kernels) {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 2 * MIB);
                MemoryAccount account = budget.account("vectors", 0)) {
            Slab slab = account.take(SLAB_BYTES);
            MemorySegment memory = slab.segment();
            Allocation.assertNone("unpacking", () -> unpack(kernels, memory, 12));
            Allocation.assertNone("unpacking wide values", () -> unpack(kernels, memory, 60));
            Allocation.assertNone("comparing", () -> compare(kernels, memory));
            Allocation.assertNone("selecting", () -> select(kernels, memory));
            Allocation.assertNone("totals", () -> total(kernels, memory));
            account.giveBack(slab);
        }
    }

    private static void unpack(Kernels kernels, MemorySegment memory, int width) {
        kernels.unpack(memory, PACKED, width, COUNT, 7, memory, VALUES);
        kernels.pack(memory, VALUES, width, COUNT, 7, memory, PACKED);
        kernels.unpackInt(memory, PACKED, width / 2, COUNT, 7, memory, VALUES);
        kernels.packInt(memory, VALUES, width / 2, COUNT, 7, memory, PACKED);
    }

    private static void compare(Kernels kernels, MemorySegment memory) {
        for (int i = 0; i < 4; i++) {
            kernels.setAll(memory, BITMAP, COUNT);
            kernels.rangeLong(memory, VALUES, COUNT, -i, 1L << i, memory, BITMAP);
            kernels.rangeInt(memory, VALUES, COUNT, -i, 1 << i, memory, BITMAP);
            kernels.rangeDouble(memory, VALUES, COUNT, -i, i, memory, BITMAP);
            kernels.rangeFloat(memory, VALUES, COUNT, -i, i, memory, BITMAP);
        }
    }

    private static void select(Kernels kernels, MemorySegment memory) {
        for (int i = 0; i < 4; i++) {
            kernels.setAll(memory, BITMAP, COUNT - i);
            int selected = kernels.bitmapToSelection(memory, BITMAP, COUNT - i, memory, SELECTION);
            assertEquals(COUNT - i, selected);
            assertEquals(COUNT - i, kernels.popCount(memory, BITMAP, COUNT - i));
            kernels.gather1(memory, VALUES, memory, SELECTION, selected, memory, TARGET);
            kernels.gather2(memory, VALUES, memory, SELECTION, selected, memory, TARGET);
            kernels.gather4(memory, VALUES, memory, SELECTION, selected, memory, TARGET);
            kernels.gather8(memory, VALUES, memory, SELECTION, selected, memory, TARGET);
            kernels.gather16(memory, VALUES, memory, SELECTION, selected, memory, TARGET);
        }
    }

    private static void total(Kernels kernels, MemorySegment memory) {
        kernels.setAll(memory, BITMAP, COUNT);
        double total = 0;
        for (int i = 0; i < 4; i++) {
            total += kernels.sumLong(memory, VALUES, COUNT, memory, BITMAP);
            total += kernels.minLong(memory, VALUES, COUNT, memory, BITMAP);
            total += kernels.maxLong(memory, VALUES, COUNT, memory, BITMAP);
            total += kernels.sumDouble(memory, VALUES, COUNT, memory, BITMAP);
            total += kernels.minDouble(memory, VALUES, COUNT, memory, BITMAP);
            total += kernels.maxDouble(memory, VALUES, COUNT, memory, BITMAP);
        }
        memory.set(Kernels.DOUBLE, TARGET, total); // So that it is not optimized away.
    }

    @Test
    void arenasAllocateNothingPerPiece() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 64 * MIB);
                MemoryAccount account = budget.account("rows", 0)) {
            Allocation.assertAtMost(1_000, "an arena, its ten slabs and 40,000 pieces", () -> {
                try (var arena = new BumpArena(account, BumpArena.SLAB_BYTES)) {
                    for (int i = 0; i < 40_000; i++) {
                        arena.memory().set(Kernels.LONG, arena.allocate(40 + (i & 31), 8), i);
                    }
                }
            });
        }
    }

    @Test
    void readersAllocateNothing() {
        var epochs = new Epochs(4);
        Allocation.assertNone("entering and leaving", () -> {
            for (int i = 0; i < 1_000; i++) {
                epochs.exit(epochs.enter());
            }
        });
    }

    @Test
    void checksumsAllocateNothing() {
        try (var budget = MemoryBudget.open(PageSource.jdk(), 2 * MIB);
                MemoryAccount account = budget.account("pages", 0)) {
            Slab slab = account.take(MIB);
            Allocation.assertNone("checksums in one piece and in two", () -> {
                for (int i = 0; i < 1_000; i++) {
                    int whole = Crc32c.of(slab.segment(), i, 200);
                    int part = Crc32c.of(slab.segment(), i, 100);
                    Check.that(Crc32c.update(part, slab.segment(), i + 100L, 100) == whole, "checksums differ");
                }
            });
            account.giveBack(slab);
        }
    }
}
