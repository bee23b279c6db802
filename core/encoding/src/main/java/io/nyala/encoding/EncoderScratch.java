package io.nyala.encoding;

import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;

/**
 * The working memory of encoders: one slab, and tables for finding runs and distinct values. Taken once and shared by
 * all {@link VectorEncoder}s of one thread, so that encoding a vector allocates nothing.
 *
 * <p>For one thread at a time. Owns its slab, and gives it back when closed.
 */
public final class EncoderScratch implements AutoCloseable {
    /** Where 32-bit numbers are prepared for packing. */
    static final long INTS = 0;
    /** Where 64-bit numbers are, in encodings that have no codes. */
    static final long LONGS = 0;
    /** Where the codes of a dictionary are collected. */
    static final long CODES = 8 << 10;

    private static final long BYTES = 16 << 10;

    static {
        Check.that(
                CODES - INTS >= VectorFormat.VALUES_MAX * 4L + VectorFormat.READ_PADDING_BYTES,
                "numbers and padding fit");
        Check.that(
                BYTES - LONGS >= VectorFormat.VALUES_MAX * 8L + VectorFormat.READ_PADDING_BYTES,
                "long numbers and padding fit");
        Check.that(
                BYTES - CODES >= VectorFormat.VALUES_MAX * 4L + VectorFormat.READ_PADDING_BYTES,
                "codes and padding fit");
    }

    private final MemoryAccount account;
    private final Slab slab;
    private final MemorySegment segment;
    private boolean closed;

    final DistinctTable distinct = new DistinctTable();
    final FixedShape fixed = new FixedShape(this);
    final BinaryShape binary = new BinaryShape(this);
    final PrefixShape prefixes = new PrefixShape(binary);
    final SymbolShape symbols;
    final AlpShape decimals = new AlpShape(this);

    /** Takes one slab from {@code account}. */
    public EncoderScratch(MemoryAccount account) {
        this.account = account;
        slab = account.take(BYTES);
        segment = slab.segment();
        symbols = new SymbolShape(account);
    }

    MemorySegment segment() {
        return segment;
    }

    /** Gives the slab back. Closing twice does nothing. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            account.giveBack(slab);
            symbols.close();
        }
    }
}
