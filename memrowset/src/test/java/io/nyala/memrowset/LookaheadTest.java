package io.nyala.memrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.BumpArena;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: keys that go down a tree together are found where they are, and inserted where they belong, whatever was
 * inserted since they were sought. Method: random keys in groups of any size, some of them twice, with many others
 * inserted between the way down and the look-up, against a sorted map.
 */
final class LookaheadTest {
    private static final long MIB = 1L << 20;
    private static final long SCRAMBLE = 0x9E37_79B9_7F4A_7C15L;
    private static final ValueLayout.OfLong BIG_ENDIAN =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final Lookahead ahead = new Lookahead();
    private MemoryBudget budget;
    private MemoryAccount account;
    private BumpArena arena;
    private RowTree tree;
    private final TreeMap<byte[], Long> model = new TreeMap<>(Arrays::compareUnsigned);

    @BeforeEach
    void open() {
        budget = MemoryBudget.open(PageSource.jdk(), 64 * MIB);
        account = budget.account("tree", 0);
        arena = new BumpArena(account, BumpArena.SLAB_BYTES);
        tree = new RowTree(arena);
    }

    @AfterEach
    void close() {
        arena.close();
        account.close();
        assertEquals(0, budget.usedBytes());
        budget.close();
    }

    @RepeatedTest(40)
    void findsWhatIsThereAlsoAfterManySplits(@Seed SplittableRandom random) {
        List<byte[]> keys = Keysets.draw(random, random.nextInt(1, 4_000));
        int between = random.nextBoolean() ? 0 : random.nextInt(1, 200); // A leaf may be split into many.
        int next = 0;
        while (next < keys.size()) {
            int groupEnd = Math.min(keys.size(), next + random.nextInt(1, Lookahead.KEYS_MAX + 1));
            List<byte[]> group = new ArrayList<>(keys.subList(next, groupEnd));
            next = groupEnd;
            while (group.size() < Lookahead.KEYS_MAX && random.nextInt(3) > 0) {
                group.add(keys.get(random.nextInt(next))); // There already, or one of this very group.
            }
            seek(group);
            for (int i = between; i > 0 && next < keys.size(); i--) {
                insert(keys.get(next++));
            }
            for (int i = 0; i < group.size(); i++) {
                long expected = model.getOrDefault(group.get(i), 0L);
                assertEquals(expected, ahead.find(i), "key " + i + " of " + group.size());
                if (expected == 0 && random.nextInt(4) > 0) {
                    insert(group.get(i));
                } else if (next < keys.size()) {
                    insert(keys.get(next++)); // Not the one that was looked for last.
                }
            }
        }
        assertEquals(model.size(), new TreeVerifier(tree).verify());
    }

    @Test
    @Tag("allocation")
    void seekingAndFindingAllocateNothingOnTheHeap() {
        for (int i = 0; i < 5_000; i++) {
            insert(Keysets.ofLong(i * SCRAMBLE));
        }
        long key = arena.allocate(Lookahead.KEYS_MAX * Long.BYTES, Long.BYTES);
        var found = new AtomicLong();
        Allocation.assertNone("looking for 16 keys", () -> {
            ahead.begin(arena.memory());
            for (int i = 0; i < Lookahead.KEYS_MAX; i++) {
                long at = key + (long) i * Long.BYTES;
                arena.memory().set(BIG_ENDIAN, at, i * SCRAMBLE);
                ahead.add(at, Long.BYTES);
            }
            ahead.run(tree);
            for (int i = 0; i < Lookahead.KEYS_MAX; i++) {
                found.addAndGet(ahead.find(i));
            }
        });
        assertTrue(found.get() > 0, "none of the keys was there");
    }

    private void seek(List<byte[]> group) {
        ahead.begin(arena.memory());
        for (byte[] key : group) {
            long offset = arena.allocate(key.length, 1);
            MemorySegment.copy(key, 0, arena.memory(), ValueLayout.JAVA_BYTE, offset, key.length);
            ahead.add(offset, key.length);
        }
        ahead.run(tree);
    }

    private void insert(byte[] key) {
        long row = arena.allocate(RowHeader.PLACE_BYTES + RowHeader.BYTES + key.length, Long.BYTES)
                + RowHeader.PLACE_BYTES;
        RowHeader.initialize(arena.memory(), row, 1, key.length, 0);
        MemorySegment.copy(key, 0, arena.memory(), ValueLayout.JAVA_BYTE, RowHeader.keyOffset(row), key.length);
        assertTrue(tree.insert(row));
        model.put(key, row);
    }
}
