package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Parking;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.testkit.Failure;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.BooleanSupplier;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: who waits for memory of a batch gets it as soon as it is there, and hears it when it never will be; and nobody
 * waits who must not.
 * Method: a budget of one slab, which is taken; a host that does the next thing of a list whenever somebody waits, and
 * fails where nothing is left to do.
 */
final class BatchMemoryTest {
    private static final long BYTES = 2 << 20;

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), BYTES);
    private final MemoryAccount account = budget.account("write batches", 0);
    private final Deque<Runnable> events = new ArrayDeque<>();
    private final ScriptedHost host = new ScriptedHost();
    private int wakeCount;
    private boolean isAgent;
    private final BatchMemory memory = new BatchMemory(host, () -> wakeCount++);

    @BeforeEach
    void askForRelief() {
        account.relief(memory);
    }

    @AfterEach
    void close() {
        assertFalse(memory.isWanted());
        account.close();
        budget.close();
    }

    /** Whoever waits sees what happens, in order. */
    private final class ScriptedHost implements AgentHost {
        @Override
        public void await(BooleanSupplier condition) {
            while (!condition.getAsBoolean()) {
                events.remove().run();
            }
        }

        @Override
        public boolean isAgent() {
            return isAgent;
        }

        @Override
        public void announce() {
            // Conditions are looked at after each event.
        }

        @Override
        public void start(Agent agent, IdleStrategy idle, Parking parking) {
            throw new AssertionError("there are no agents");
        }

        @Override
        public Gate newGate() {
            throw new AssertionError("nobody waits for a commit");
        }

        @Override
        public void close() {
            // Nothing was started.
        }
    }

    @Test
    void asksForAFlushUntilThereIsMemory() {
        Slab first = account.take(BYTES);
        assertEquals(0, wakeCount, "there was memory");
        events.add(() -> assertTrue(memory.isWanted()));
        events.add(() -> account.giveBack(first));
        Slab second = account.take(BYTES);
        assertEquals(3, wakeCount, "at first, and after each look in vain");
        account.giveBack(second);
    }

    @Test
    void whoWaitsHearsWhenThereIsNothingToFlushButNobodyWhoComesLater() {
        Slab first = account.take(BYTES);
        memory.refuse(new IllegalStateException("while nobody waited"));
        events.add(() -> memory.refuse(new IllegalStateException("there is nothing to flush")));
        Failure.expect(
                MemoryLimitException.class,
                () -> account.take(100),
                "100 bytes",
                "there is nothing to flush",
                "try again");
        events.add(() -> account.giveBack(first));
        account.giveBack(account.take(100));
    }

    @Test
    void whoWaitsHearsWhenTheEngineIsClosed() {
        Slab first = account.take(BYTES);
        events.add(() -> memory.end(new EngineClosedException()));
        assertThrows(EngineClosedException.class, () -> account.take(BYTES));
        assertThrows(EngineClosedException.class, () -> account.take(BYTES), "and after that");
        account.giveBack(first);
    }

    @Test
    void whoWaitsHearsWhenMaintenanceHasFailed() {
        Slab first = account.take(BYTES);
        events.add(() -> memory.end(new IllegalStateException("maintenance failed")));
        Failure.expect(MemoryLimitException.class, () -> account.take(BYTES), "maintenance failed");
        account.giveBack(first);
    }

    @Test
    void anAgentDoesNotWait() {
        Slab first = account.take(BYTES);
        isAgent = true;
        Failure.expect(MemoryLimitException.class, () -> account.take(BYTES), "cannot wait for memory");
        assertEquals(0, wakeCount);
        account.giveBack(first);
    }
}
