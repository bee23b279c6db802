package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.testkit.Seed;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: it says of every row whether it was added, dense or sparse. Method: random sets of rows against a sorted set.
 */
final class DeletedRowsTest {
    @RepeatedTest(30)
    void knowsExactlyTheRowsThatWereAdded(@Seed SplittableRandom random) {
        var rows = new TreeSet<Long>();
        long first = random.nextInt(100_000);
        int step = 1 + random.nextInt(1 << random.nextInt(1, 10)); // From each row to few: a bitmap, or a list.
        for (long row = first; rows.size() < 200; row += 1 + random.nextInt(step)) {
            rows.add(row);
        }
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 16 << 20);
                MemoryAccount account = budget.account("test", 0);
                var deleted = new DeletedRows(rows.first(), rows.last(), rows.size(), account)) {
            rows.forEach(deleted::add);
            assertEquals(rows.size(), deleted.count());
            for (long row = Math.max(0, first - 3); row < rows.last() + 70; row++) {
                assertEquals(rows.contains(row), deleted.has(row), "row " + row);
            }
        }
    }

    @Test
    void hasNothingAtFirst() {
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 16 << 20);
                MemoryAccount account = budget.account("test", 0);
                var deleted = new DeletedRows(0, 0, 0, account)) {
            assertEquals(0, deleted.count());
            assertFalse(deleted.has(0));
            assertEquals(0, budget.usedBytes());
        }
    }
}
