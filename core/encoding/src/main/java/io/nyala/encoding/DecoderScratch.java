package io.nyala.encoding;

import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The working memory of readers: room for one vector of fixed cells, decoded, and for what a predicate says of
 * dictionary entries. Taken once and shared by all {@link EncodedVector}s of one thread, so that reading a vector
 * allocates nothing.
 *
 * <p>For one thread at a time. Owns its slab, and gives it back when closed.
 */
public final class DecoderScratch implements AutoCloseable {
    /** Where a vector is decoded or unpacked. */
    static final long VALUES = 0;

    /** Where narrow cells are while they are widened to {@link #VALUES}. */
    static final long ASIDE = 8 << 10;

    private static final long BYTES = 32 << 10;

    private final @Nullable MemoryAccount account;
    private final @Nullable Slab slab;
    private final MemorySegment segment;
    private boolean closed;

    /** One bit per dictionary entry, while a predicate is evaluated. */
    final long[] matches = new long[VectorFormat.VALUES_MAX / Long.SIZE];

    static {
        Check.that(ASIDE >= VectorFormat.VALUES_MAX * 4L + VectorFormat.WRITE_PADDING_BYTES, "widened cells fit");
        Check.that(BYTES >= VectorFormat.VALUES_MAX * 16L + VectorFormat.WRITE_PADDING_BYTES, "a vector fits");
    }

    /** Takes one slab from {@code account}. */
    public DecoderScratch(MemoryAccount account) {
        Slab taken = account.take(BYTES);
        this.account = account;
        slab = taken;
        segment = taken.segment();
    }

    private DecoderScratch() {
        account = null;
        slab = null;
        segment = MemorySegment.NULL;
    }

    /** For readers that only ask for single cells, which need no memory to be decoded into: it takes none. */
    public static DecoderScratch forCells() {
        return new DecoderScratch();
    }

    MemorySegment segment() {
        return segment;
    }

    /** Gives the slab back. Closing twice does nothing. */
    @Override
    public void close() {
        if (!closed && account != null && slab != null) {
            closed = true;
            account.giveBack(slab);
        }
    }
}
