package io.nyala.wire;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;

/** A budget with one account, which are checked for leaks when they are closed. Belongs to one test. */
final class TestMemory implements AutoCloseable {
    private final MemoryBudget budget;
    private final MemoryAccount account;

    /** Enough for a few small batches: opening a budget costs time in proportion to its size. */
    TestMemory() {
        this(6 << 20);
    }

    TestMemory(long bytes) {
        budget = MemoryBudget.open(PageSource.jdk(), bytes);
        account = budget.account("test", 0);
    }

    MemoryAccount account() {
        return account;
    }

    @Override
    public void close() {
        account.close();
        budget.close();
    }
}
