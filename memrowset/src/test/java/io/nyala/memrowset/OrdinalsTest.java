package io.nyala.memrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.BumpArena;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.testkit.Seed;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: a row is found by its ordinal at every moment, also while a writer splits nodes. Method: random ordinals
 * against a sorted map; trees that are left between the steps of a split; splits in quick succession beside a reader
 * that knows what must be there.
 */
final class OrdinalsTest {
    private MemoryBudget budget;
    private MemoryAccount account;
    private BumpArena arena;

    @BeforeEach
    void open() {
        budget = MemoryBudget.open(PageSource.jdk(), 64 << 20);
        account = budget.account("tree", 0);
        arena = new BumpArena(account, BumpArena.SLAB_BYTES);
    }

    @AfterEach
    void close() {
        arena.close();
        account.close();
        assertEquals(0, budget.usedBytes());
        budget.close();
    }

    private long row(int ordinal) {
        long row = arena.allocate(RowHeader.BYTES + Ordinals.KEY_BYTES, Long.BYTES);
        RowHeader.initialize(arena.memory(), row, 1, Ordinals.KEY_BYTES, 0);
        Ordinals.writeKey(arena.memory(), RowHeader.keyOffset(row), ordinal);
        return row;
    }

    @RepeatedTest(40)
    void findsWhatIsThereAndWhatIsNext(@Seed SplittableRandom random) {
        var tree = new RowTree(arena);
        NavigableMap<Long, Long> model = insertRandom(tree, random);
        check(tree, model, random);
        assertEquals(model.size(), new TreeVerifier(tree).verify());
    }

    /** The parent does not know of the right half yet, of a leaf or of an inner node. */
    @RepeatedTest(20)
    void findsWhatWasSplitAndIsNotYetKnownAbove(@Seed SplittableRandom random) {
        var tree = new RowTree(arena);
        NavigableMap<Long, Long> model = insertRandom(tree, random);
        boolean isLeaf = random.nextBoolean() || tree.height() == 0;
        long node = isLeaf ? Ordinals.leafOf(tree, model.firstKey()) : RowTree.nodeOf(tree.top());
        int count = Permutation.count(Node.permutation(arena.memory(), node));
        int at = random.nextInt(1, count + 1);
        long right = arena.allocate(isLeaf ? Node.LEAF_BYTES : Node.INNER_BYTES, Node.ALIGNMENT);
        Node.initialize(arena.memory(), right, Node.next(Node.link(arena.memory(), node)));
        if (at < count) {
            Node.copyFrom(arena.memory(), node, at, right, isLeaf);
            Node.linkTo(arena.memory(), node, right);
            check(tree, model, random);
            Node.truncate(arena.memory(), node, at);
        }
        check(tree, model, random);
    }

    private NavigableMap<Long, Long> insertRandom(RowTree tree, SplittableRandom random) {
        var model = new TreeMap<Long, Long>();
        int bound = random.nextInt(4) == 0 ? Integer.MAX_VALUE : random.nextInt(1, 20_000);
        boolean ascending = random.nextInt(3) == 0;
        for (int i = random.nextInt(1, 3_000); i > 0; i--) {
            int ordinal = ascending ? 20_000 - 3 * i : random.nextInt(bound);
            if (ordinal >= 0 && !model.containsKey((long) ordinal)) {
                long row = row(ordinal);
                assertTrue(tree.insert(row));
                model.put((long) ordinal, row);
            }
        }
        return model;
    }

    private static void check(RowTree tree, NavigableMap<Long, Long> model, SplittableRandom random) {
        model.forEach((ordinal, row) -> {
            assertEquals(row, Ordinals.find(tree, ordinal));
            checkAt(tree, model, ordinal + 1);
        });
        checkAt(tree, model, 0);
        for (int i = 0; i < 200; i++) {
            checkAt(tree, model, random.nextInt((int) Math.min(Integer.MAX_VALUE, model.lastKey() + 100)));
        }
    }

    private static void checkAt(RowTree tree, NavigableMap<Long, Long> model, long ordinal) {
        assertEquals(model.getOrDefault(ordinal, 0L), Ordinals.find(tree, ordinal));
        Map.Entry<Long, Long> next = model.ceilingEntry(ordinal);
        assertEquals(next == null ? 0 : next.getValue(), Ordinals.ceiling(tree, ordinal));
    }

    @RepeatedTest(1)
    void noReaderSeesASplitHalfDone(@Seed SplittableRandom random) throws Exception {
        int count = 64;
        long[] rows = new long[count];
        for (int i = 0; i < count; i++) {
            rows[i] = row(i * 37 % count); // Not in order, so that leaves are split in the middle.
        }
        var inserted = new AtomicLong();
        var small = new AtomicReference<>(new RowTree(arena));
        var failure = new AtomicReference<@Nullable Throwable>();
        SplittableRandom own = random.split();
        var reader = new Thread(() -> {
            try {
                while (inserted.get() >= 0) {
                    RowTree now = small.get();
                    int before = (int) inserted.get();
                    if (small.get() != now || before <= 0) {
                        continue;
                    }
                    long row = rows[before - 1 - own.nextInt(Math.min(before, 8))];
                    assertEquals(row, Ordinals.find(now, Ordinals.ordinalOf(arena.memory(), row)));
                }
            } catch (Throwable e) {
                failure.compareAndSet(null, e);
            }
        });
        reader.start();
        for (int round = 0; round < 8_000 && failure.get() == null; round++) {
            inserted.set(0);
            var fresh = new RowTree(arena);
            small.set(fresh);
            for (int i = 0; i < count; i++) {
                assertTrue(fresh.insert(rows[i]));
                inserted.set(i + 1L);
            }
        }
        inserted.set(-1);
        reader.join();
        if (failure.get() != null) {
            throw new AssertionError("a reader failed", failure.get());
        }
    }
}
