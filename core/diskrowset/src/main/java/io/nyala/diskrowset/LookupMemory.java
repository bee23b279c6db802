package io.nyala.diskrowset;

import io.nyala.cfile.KeyFilter;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * What look-ups under way need, for all rowsets of a host together: for each thread that looks up at the same time,
 * however many rowsets are open.
 *
 * <p>Thread-safe. Whoever made it closes it, after the rowsets.
 */
public final class LookupMemory implements AutoCloseable {
    /** The largest key, decoded, in the widest row there is. */
    static final int SLAB_BYTES = 64 << 10;

    /** As many are kept as threads that write at a time. More of them take theirs from the account. */
    private static final int IDLE_MAX = 16;

    /** A good reservation: twice what is kept. */
    public static final long RESERVED_BYTES = 2L * IDLE_MAX * SLAB_BYTES;

    private final MemoryAccount account;
    private final AtomicReferenceArray<@Nullable Space> idle = new AtomicReferenceArray<>(IDLE_MAX);

    /**
     * What one look-up needs.
     *
     * @param key room for a decoded one
     * @param filtered asks filters
     */
    record Space(Slab key, KeyFilter.Batch filtered) {}

    /** {@code account} pays for slabs, and for history that is read. Takes nothing yet. */
    public LookupMemory(MemoryAccount account) {
        this.account = account;
    }

    MemoryAccount account() {
        return account;
    }

    Space borrow() {
        for (int i = 0; i < IDLE_MAX; i++) {
            if (idle.getPlain(i) != null) {
                Space space = idle.getAndSet(i, null);
                if (space != null) {
                    return space;
                }
            }
        }
        return new Space(account.take(SLAB_BYTES), new KeyFilter.Batch());
    }

    void giveBack(Space space) {
        for (int i = 0; i < IDLE_MAX; i++) {
            if (idle.getPlain(i) == null && idle.compareAndSet(i, null, space)) {
                return;
            }
        }
        account.giveBack(space.key());
    }

    /** Gives everything back. With no look-up under way. */
    @Override
    public void close() {
        for (int i = 0; i < IDLE_MAX; i++) {
            Space space = idle.getAndSet(i, null);
            if (space != null) {
                account.giveBack(space.key());
            }
        }
    }
}
