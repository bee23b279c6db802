package io.nyala.memrowset;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.BumpArena;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: the tree has what was put in, in order, at every moment, for readers beside the writer as well. Method: random
 * keys in different orders against a sorted map, every claim about nodes verified; then readers that look while a
 * writer inserts, and know what must be there.
 */
final class RowTreeTest {
    private static final long MIB = 1L << 20;

    private MemoryBudget budget;
    private MemoryAccount account;
    private BumpArena arena;
    private RowTree tree;
    private long scratch;

    @BeforeEach
    void open() {
        budget = MemoryBudget.open(PageSource.jdk(), 64 * MIB);
        account = budget.account("tree", 0);
        arena = new BumpArena(account, BumpArena.SLAB_BYTES);
        tree = new RowTree(arena);
        scratch = arena.allocate(32 << 10, 8);
    }

    @AfterEach
    void close() {
        arena.close();
        account.close();
        assertEquals(0, budget.usedBytes());
        budget.close();
    }

    @RepeatedTest(60)
    void keepsWhatWasInsertedInOrder(@Seed SplittableRandom random) {
        List<byte[]> keys = Keysets.draw(random, random.nextInt(1, 3_000));
        var model = new TreeMap<byte[], Long>(Arrays::compareUnsigned);
        for (byte[] key : keys) {
            assertEquals(0, find(key, random.nextBoolean()));
            long row = insert(key);
            model.put(key, row);
            if (model.size() < 40 || random.nextInt(200) == 0) {
                assertEquals(model.size(), new TreeVerifier(tree).verify());
            }
        }
        assertEquals(model.size(), new TreeVerifier(tree).verify());
        for (Map.Entry<byte[], Long> entry : model.entrySet()) {
            assertEquals(entry.getValue(), find(entry.getKey(), random.nextBoolean()));
        }
        assertArrayEquals(model.values().stream().mapToLong(r -> r).toArray(), scan());
        assertEquals(model.lastEntry().getValue(), tree.lastRow());
        for (int i = 0; i < 50; i++) {
            byte[] probe = Keysets.near(random, keys.get(random.nextInt(keys.size())));
            Long expected = model.get(probe);
            assertEquals(expected == null ? 0 : expected, find(probe, random.nextBoolean()));
        }
    }

    @Test
    void leavesStayFullWhereKeysArriveInOrder() {
        int rows = 15_000;
        for (int i = 0; i < rows; i++) {
            insert(Keysets.ofLong(i));
        }
        assertEquals(rows, new TreeVerifier(tree).verify());
        long leaves = rows / Permutation.ENTRIES_MAX;
        assertTrue(tree.nodeBytes() <= leaves * (Node.LEAF_BYTES + Node.INNER_BYTES / 13), tree.nodeBytes() + " bytes");
    }

    @Test
    void leavesStayFullWhereKeysArriveInSeveralAscendingRuns() {
        int rows = 15_000;
        int runs = 7;
        for (int i = 0; i < rows; i++) {
            insert(Keysets.ofLong((long) (i % runs) << 32 | i));
        }
        assertEquals(rows, new TreeVerifier(tree).verify());
        assertTrue(tree.nodeBytes() < rows * 22L, tree.nodeBytes() + " bytes");
    }

    @Test
    void leavesStayFullWhereKeysArriveInDescendingOrder() {
        int rows = 15_000;
        for (int i = rows; i > 0; i--) {
            insert(Keysets.ofLong(i));
        }
        assertEquals(rows, new TreeVerifier(tree).verify());
        assertTrue(tree.nodeBytes() < rows * 22L, tree.nodeBytes() + " bytes");
    }

    @RepeatedTest(6)
    void readersBesideTheWriterMissNothingThatWasThereBefore(@Seed SplittableRandom random) throws Exception {
        List<byte[]> keys = Keysets.draw(random, 30_000);
        long[] offsets = new long[keys.size()]; // The keys, off-heap, so that readers need no copies.
        for (int i = 0; i < keys.size(); i++) {
            offsets[i] = arena.allocate(keys.get(i).length, 1);
            MemorySegment.copy(keys.get(i), 0, arena.memory(), ValueLayout.JAVA_BYTE, offsets[i], keys.get(i).length);
        }
        var inserted = new AtomicLong();
        var failure = new AtomicReference<@Nullable Throwable>();
        var readers = new ArrayList<Thread>();
        for (int i = 0; i < 3; i++) {
            boolean scans = i == 0;
            SplittableRandom own = random.split();
            Thread reader = new Thread(() -> {
                try {
                    while (inserted.get() < keys.size() && failure.get() == null) {
                        if (scans) {
                            checkScan(inserted);
                        } else {
                            checkFind(inserted, offsets, keys, own);
                        }
                    }
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                }
            });
            readers.add(reader);
            reader.start();
        }
        for (int i = 0; i < keys.size() && failure.get() == null; i++) {
            insert(keys.get(i));
            inserted.set(i + 1);
        }
        for (Thread reader : readers) {
            reader.join();
        }
        if (failure.get() != null) {
            throw new AssertionError("a reader failed", failure.get());
        }
        assertEquals(keys.size(), new TreeVerifier(tree).verify());
    }

    @Test
    void readersAreRightBetweenTheStepsOfASplit() {
        for (int i = 0; i < Permutation.ENTRIES_MAX; i++) {
            insert(Keysets.ofLong(i * 10L));
        }
        long leaf = tree.firstLeaf();
        long right = arena.allocate(Node.LEAF_BYTES, Node.ALIGNMENT);
        Node.initialize(tree.memory(), right, 0);
        Node.copyFrom(tree.memory(), leaf, 8, right, true);
        checkAll(Permutation.ENTRIES_MAX);
        Node.linkTo(tree.memory(), leaf, right);
        checkAll(Permutation.ENTRIES_MAX); // The upper entries are in both nodes.
        Node.truncate(tree.memory(), leaf, 8);
        checkAll(Permutation.ENTRIES_MAX); // No parent knows of the right node.
    }

    @Test
    void aReaderBetweenTheStepsOfASplitNoticesThatASlotIsUsedAgain() {
        for (int i = 0; i < Permutation.ENTRIES_MAX; i++) {
            insert(Keysets.ofLong(i * 10L));
        }
        long leaf = tree.firstLeaf();
        long right = arena.allocate(Node.LEAF_BYTES, Node.ALIGNMENT);
        Node.initialize(tree.memory(), right, 0);
        Node.copyFrom(tree.memory(), leaf, 8, right, true);
        Node.linkTo(tree.memory(), leaf, right);
        long link = Node.link(tree.memory(), leaf); // The reader takes this and the old permutation, and is held up.
        Node.truncate(tree.memory(), leaf, 8);
        insert(Keysets.ofLong(5));
        assertFalse(Node.isUnchanged(tree.memory(), leaf, link));
    }

    private void checkAll(int count) {
        long[] rows = scan();
        assertEquals(count, rows.length);
        for (int i = 0; i < count; i++) {
            assertEquals(rows[i], find(Keysets.ofLong(i * 10L), false));
            assertEquals(0, find(Keysets.ofLong(i * 10L + 5), false));
        }
        assertEquals(rows[count - 1], tree.lastRow());
    }

    /** Splits in quick succession, looked at by readers that know what must be there. */
    @RepeatedTest(1)
    void noReaderSeesASplitHalfDone(@Seed SplittableRandom random) throws Exception {
        int keyCount = 64;
        long[] rows = new long[keyCount];
        for (int i = 0; i < keyCount; i++) {
            byte[] key = Keysets.ofLong((i * 37L) % keyCount); // Not in order, so that leaves are split in the middle.
            rows[i] = arena.allocate(RowHeader.BYTES + key.length, Long.BYTES);
            RowHeader.initialize(arena.memory(), rows[i], i, key.length, 0);
            MemorySegment.copy(key, 0, arena.memory(), ValueLayout.JAVA_BYTE, RowHeader.keyOffset(rows[i]), key.length);
        }
        var inserted = new AtomicLong();
        var small = new AtomicReference<>(new RowTree(arena));
        var failure = new AtomicReference<@Nullable Throwable>();
        var reader = new Thread(() -> {
            try {
                while (inserted.get() >= 0) {
                    RowTree now = small.get();
                    int before = (int) inserted.get();
                    if (small.get() != now || before <= 0) {
                        continue;
                    }
                    long row = rows[before - 1 - (before > 8 ? (int) (now.nodeBytes() % 8) : 0)];
                    assertEquals(row, now.find(arena.memory(), RowHeader.keyOffset(row), Long.BYTES));
                }
            } catch (Throwable e) {
                failure.compareAndSet(null, e);
            }
        });
        reader.start();
        for (int round = 0; round < 12_000 && failure.get() == null; round++) {
            inserted.set(0);
            var fresh = new RowTree(arena);
            small.set(fresh);
            for (int i = 0; i < keyCount; i++) {
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

    /** A scan has all rows with numbers below those inserted before it began, in strictly ascending order. */
    private void checkScan(AtomicLong inserted) {
        long before = inserted.get();
        long[] rows = scan();
        long seen = 0;
        for (int i = 0; i < rows.length; i++) {
            if (RowHeader.insertTime(tree.memory(), rows[i]) < before) {
                seen++;
            }
            if (i > 0) {
                long key = RowHeader.keyOffset(rows[i - 1]);
                int bytes = RowHeader.keyBytes(tree.memory(), rows[i - 1]);
                assertTrue(Keys.compare(tree.memory(), key, bytes, tree.memory(), rows[i]) < 0, "out of order");
            }
        }
        assertEquals(before, seen, "rows that were there before the scan");
    }

    private void checkFind(AtomicLong inserted, long[] offsets, List<byte[]> keys, SplittableRandom random) {
        long before = inserted.get();
        if (before == 0) {
            return;
        }
        // Mostly young keys: where the writer is at work.
        long number = random.nextBoolean() ? random.nextLong(before) : Math.max(0, before - 1 - random.nextInt(20));
        int index = Math.toIntExact(number);
        long row = tree.find(arena.memory(), offsets[index], keys.get(index).length);
        assertTrue(row != 0, "key " + index + " of " + before + " was not found");
        assertEquals(index, RowHeader.insertTime(tree.memory(), row));
    }

    private long[] scan() {
        var reader = new LeafReader(tree);
        long[] rows = new long[64];
        int count = 0;
        while (!reader.isAtEnd()) {
            if (count + Permutation.ENTRIES_MAX > rows.length) {
                rows = Arrays.copyOf(rows, rows.length * 2);
            }
            count += reader.read(rows, count);
        }
        return Arrays.copyOf(rows, count);
    }

    private long rowsInserted;

    private long insert(byte[] key) {
        long row = arena.allocate(RowHeader.BYTES + key.length, Long.BYTES);
        RowHeader.initialize(arena.memory(), row, rowsInserted++, key.length, 0);
        MemorySegment.copy(key, 0, arena.memory(), ValueLayout.JAVA_BYTE, RowHeader.keyOffset(row), key.length);
        assertTrue(tree.insert(row));
        return row;
    }

    private long find(byte[] key, boolean near) {
        MemorySegment.copy(key, 0, arena.memory(), ValueLayout.JAVA_BYTE, scratch, key.length);
        return near
                ? tree.findNear(arena.memory(), scratch, key.length)
                : tree.find(arena.memory(), scratch, key.length);
    }
}
