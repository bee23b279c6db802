package io.nyala.encoding;

import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The working memory of readers: room for one vector of fixed cells, decoded, for what a predicate says of dictionary
 * entries, and, if such are read, for strings that lie in pieces. Taken once and shared by all {@link EncodedVector}s
 * of one thread, so that reading a vector allocates nothing.
 *
 * <p>For one thread at a time. Owns its slabs, and gives them back when closed.
 */
public final class DecoderScratch implements AutoCloseable {
    /** Where a vector is decoded or unpacked. */
    static final long VALUES = 0;

    /** Where narrow cells are while they are widened to {@link #VALUES}. */
    static final long ASIDE = 8 << 10;

    /**
     * Of a dictionary the cells that were packed, or of each string 8 bytes: its bytes in the lower half, where it
     * begins, from the first one on, in the upper.
     */
    static final long ENTRIES = 20 << 10;

    /** Room for strings that is taken at first: also an empty one has a place. */
    private static final long STRINGS_BYTES_MIN = 4 << 10;

    private static final long BYTES = 32 << 10;

    private final @Nullable MemoryAccount account;
    private final @Nullable Slab slab;
    private final MemorySegment segment;
    private boolean closed;
    private @Nullable Slab strings;

    /** Symbols of a vector, and how many bytes each has; made when first needed, as few scans do. */
    long[] symbols = {};

    int[] symbolBytes = {};

    /** Strings that were decoded into {@link #strings}. */
    final FlatBinary flat = new FlatBinary();

    private @Nullable EncodedVector symbolsOf;
    private long symbolsWrap;
    private @Nullable EncodedVector entriesOf;
    private long entriesWrap;

    /** One bit per dictionary entry, while a predicate is evaluated. */
    final long[] matches = new long[VectorFormat.VALUES_MAX / Long.SIZE];

    static {
        Check.that(ASIDE >= VectorFormat.VALUES_MAX * 4L + VectorFormat.WRITE_PADDING_BYTES, "widened cells fit");
        Check.that(ENTRIES >= VectorFormat.VALUES_MAX * 16L + VectorFormat.WRITE_PADDING_BYTES, "a vector fits");
        Check.that(
                BYTES >= ENTRIES + VectorFormat.VALUES_MAX * 8L + VectorFormat.WRITE_PADDING_BYTES,
                "so do the entries of a dictionary");
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

    /** Whether the symbols are those of the vector; if not, the caller makes them so. */
    boolean hasSymbolsOf(EncodedVector vector) {
        if (symbols.length == 0) {
            symbols = new long[SymbolTable.SYMBOLS_MAX];
            symbolBytes = new int[SymbolTable.SYMBOLS_MAX];
        }
        boolean has = vector == symbolsOf && vector.wrapCount == symbolsWrap;
        symbolsOf = vector;
        symbolsWrap = vector.wrapCount;
        return has;
    }

    /** Whether what is at {@link #ENTRIES} is that of the vector; if not, the caller makes them so. */
    boolean hasEntriesOf(EncodedVector vector) {
        boolean has = vector == entriesOf && vector.wrapCount == entriesWrap;
        entriesOf = vector;
        entriesWrap = vector.wrapCount;
        return has;
    }

    /** Not those of any vector, as the caller could not make them so. */
    void forgetEntries() {
        entriesOf = null;
    }

    /**
     * Room for strings that lie in pieces, which is kept, and grows to what the largest vector needs. Undefined where
     * there is no account, see {@link #forCells}.
     */
    MemorySegment strings(long bytes) {
        Slab held = strings;
        if (held != null && held.segment().byteSize() >= bytes) {
            return held.segment();
        }
        MemoryAccount taker = Objects.requireNonNull(account, "single cells are read without memory for strings");
        strings = null;
        if (held != null) {
            taker.giveBack(held);
        }
        Slab taken = taker.take(Math.max(STRINGS_BYTES_MIN, bytes));
        strings = taken;
        return taken.segment();
    }

    /** Gives the memory back. Closing twice does nothing. */
    @Override
    public void close() {
        if (!closed && account != null && slab != null) {
            closed = true;
            account.giveBack(slab);
            if (strings != null) {
                account.giveBack(strings);
            }
        }
    }
}
