package io.nyala.diskrowset;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * What look-ups under way need, for all rowsets of a host together: a slab for each thread that looks up at the same
 * time, however many rowsets are open.
 *
 * <p>Thread-safe. Whoever made it closes it, after the rowsets.
 */
public final class LookupMemory implements AutoCloseable {
    /** The largest key, decoded, in the widest row there is. */
    static final int SLAB_BYTES = 64 << 10;

    /** Slabs that are kept; as many as threads that write at a time. More of them take theirs from the account. */
    private static final int IDLE_MAX = 16;

    /** A good reservation: twice what is kept. */
    public static final long RESERVED_BYTES = 2L * IDLE_MAX * SLAB_BYTES;

    private final MemoryAccount account;
    private final AtomicReferenceArray<@Nullable Slab> idle = new AtomicReferenceArray<>(IDLE_MAX);

    /** {@code account} pays for slabs, and for history that is read. Takes nothing yet. */
    public LookupMemory(MemoryAccount account) {
        this.account = account;
    }

    MemoryAccount account() {
        return account;
    }

    Slab borrow() {
        for (int i = 0; i < IDLE_MAX; i++) {
            if (idle.getPlain(i) != null) {
                Slab slab = idle.getAndSet(i, null);
                if (slab != null) {
                    return slab;
                }
            }
        }
        return account.take(SLAB_BYTES);
    }

    void giveBack(Slab slab) {
        for (int i = 0; i < IDLE_MAX; i++) {
            if (idle.getPlain(i) == null && idle.compareAndSet(i, null, slab)) {
                return;
            }
        }
        account.giveBack(slab);
    }

    /** Gives everything back. With no look-up under way. */
    @Override
    public void close() {
        for (int i = 0; i < IDLE_MAX; i++) {
            Slab slab = idle.getAndSet(i, null);
            if (slab != null) {
                account.giveBack(slab);
            }
        }
    }
}
