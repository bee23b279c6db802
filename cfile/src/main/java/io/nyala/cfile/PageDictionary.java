package io.nyala.cfile;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdDictDecompress;
import com.github.luben.zstd.ZstdException;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * What the pages of a column have in common, so that none of them has to say it again: a dictionary of ZSTD, trained
 * from the first pages that a file has of the column, and stored as it is in a section of its own. See <a
 * href="https://github.com/facebook/zstd/blob/dev/doc/zstd_compression_format.md#dictionary-format">its format</a>.
 *
 * <p>Immutable; shared by threads. Its bytes, and as many as ZSTD keeps outside of our memory, are paid for by the
 * reader whose part it is and with which it is closed.
 */
final class PageDictionary implements AutoCloseable {
    /** Room for what is trained: more hardly shrinks pages any further, and stays in memory with each open file. */
    static final int TRAINED_BYTES_MAX = 16 << 10;

    /** Smaller ones say nothing. */
    private static final int TRAINED_BYTES_MIN = 1 << 10;

    /** A dictionary of so much less than what it is trained from has what comes again, and can pay with no more. */
    private static final int SAMPLES_PER_BYTE = Trainer.BYTES_MAX / TRAINED_BYTES_MAX;

    /** Of which a page is cut into samples: a few values of most columns. */
    private static final int SAMPLE_BYTES = 1 << 10;

    /** Beyond it no file is believed. */
    static final int BYTES_MAX = 64 << 10;

    /** What ZSTD keeps for an open dictionary beside its bytes: tables of a fixed size. */
    static final int TABLE_BYTES = 28 << 10;

    private final ZstdDictDecompress dictionary;

    private PageDictionary(ZstdDictDecompress dictionary) {
        this.dictionary = dictionary;
    }

    /**
     * A dictionary from bytes that stay where they are until it is closed.
     *
     * @throws IllegalArgumentException if they are none
     */
    static PageDictionary wrap(MemorySegment bytes) {
        try {
            return new PageDictionary(new ZstdDictDecompress(bytes.asByteBuffer(), true));
        } catch (IllegalStateException | ZstdException e) {
            throw new IllegalArgumentException("zstd does not take it: " + e.getMessage(), e);
        }
    }

    /**
     * A dictionary for pages like these, which lie back to back in native memory; null if there is too little to train
     * one from.
     */
    static byte @Nullable [] train(MemorySegment pages, MemoryAccount account) {
        long bytes = pages.byteSize();
        int room = (int) Math.min(bytes / SAMPLES_PER_BYTE, TRAINED_BYTES_MAX);
        if (room < TRAINED_BYTES_MIN) {
            return null;
        }
        int[] samples = new int[Math.toIntExact(bytes / SAMPLE_BYTES)];
        Arrays.fill(samples, SAMPLE_BYTES);
        Slab slab = account.take(room);
        try {
            MemorySegment trained = slab.segment().asSlice(0, room);
            long trainedBytes =
                    Zstd.trainFromBufferDirect(pages.asByteBuffer(), samples, trained.asByteBuffer(), false);
            boolean isAny = !Zstd.isError(trainedBytes); // There is none of bytes that have nothing in common.
            return isAny ? trained.asSlice(0, trainedBytes).toArray(Cells.BYTE) : null;
        } finally {
            account.giveBack(slab);
        }
    }

    /** Compresses a page, both in native memory; answers the bytes. */
    static int compress(byte[] dictionary, int level, MemorySegment payload, MemorySegment target) {
        long bytes = Zstd.compressDirectByteBufferUsingDict(
                target.asByteBuffer(),
                0,
                (int) target.byteSize(),
                payload.asByteBuffer(),
                0,
                (int) payload.byteSize(),
                dictionary,
                level);
        if (Zstd.isError(bytes)) {
            throw new IllegalStateException("zstd could not compress a page: " + Zstd.getErrorName(bytes));
        }
        return Math.toIntExact(bytes);
    }

    /** Restores a page, both in native memory; answers the bytes, or what ZSTD calls an error. */
    long decompress(MemorySegment stored, MemorySegment target) {
        ZstdDecompressCtx context = Contexts.take();
        try {
            context.loadDict(dictionary); // A reference: the tables are there.
            return context.decompressDirectByteBuffer(
                    target.asByteBuffer(), 0, (int) target.byteSize(), stored.asByteBuffer(), 0, (int)
                            stored.byteSize());
        } catch (ZstdException e) {
            return -e.getErrorCode();
        } finally {
            context.reset(); // Or the dictionary could not be closed.
            Contexts.giveBack(context);
        }
    }

    @Override
    public void close() {
        dictionary.close();
    }

    /**
     * The working memory of ZSTD, about 100 KiB each, which it takes outside of our memory: of the threads that
     * decompress at this moment, and kept for as many as there are processors. Thread-safe, without locks.
     */
    private static final class Contexts {
        private static final AtomicReferenceArray<@Nullable ZstdDecompressCtx> IDLE =
                new AtomicReferenceArray<>(Runtime.getRuntime().availableProcessors());

        static ZstdDecompressCtx take() {
            for (int i = 0; i < IDLE.length(); i++) {
                ZstdDecompressCtx context = IDLE.get(i) == null ? null : IDLE.getAndSet(i, null);
                if (context != null) {
                    return context;
                }
            }
            return new ZstdDecompressCtx();
        }

        static void giveBack(ZstdDecompressCtx context) {
            for (int i = 0; i < IDLE.length(); i++) {
                if (IDLE.get(i) == null && IDLE.compareAndSet(i, null, context)) {
                    return;
                }
            }
            context.close();
        }
    }

    /**
     * The first pages of a column as they were before they were compressed, until there are enough of them to train a
     * dictionary: then they are compressed once more, with it, and stay so if that is smaller.
     *
     * <p>For one thread. Owns its memory.
     */
    static final class Trainer implements AutoCloseable {
        /** Many times a dictionary, so that what it has is what pages have in common. */
        static final int BYTES_MAX = 1 << 20;

        /** A dictionary is memory of each reader and a read at its opening: it has to save a fiftieth at least. */
        private static final double RATIO_MAX = 0.98;

        /** How many times as much a column is expected to become of which there is more to come. */
        private static final int EXPECTED_TIMES = 4;

        private final MemoryAccount account;
        private final Held together;
        private final ByteSink payloads;
        private final List<HeldPage> pages = new ArrayList<>();

        /** {@code entry}: where the footer's entry of the page is. */
        private record HeldPage(long offset, int bytes, int vectorCount, int rowCount, int firstRow, long entry) {}

        /** What the trainers of one file hold together. Of the thread that writes it. */
        static final class Held {
            /** Of many columns each has to do with less; who comes next then decides with what it has. */
            static final long BYTES_MAX = 8L * Trainer.BYTES_MAX;

            private long bytes;

            long bytes() {
                return bytes;
            }
        }

        Trainer(MemoryAccount account, Held together) {
            this.account = account;
            this.together = together;
            this.payloads = new ByteSink(account);
        }

        boolean isFull() {
            return payloads.bytes() >= BYTES_MAX || together.bytes >= Held.BYTES_MAX;
        }

        void add(MemorySegment payload, int vectorCount, int rowCount, int firstRow, long entry) {
            long offset = payloads.bytes();
            payloads.put(payload, 0, payload.byteSize());
            together.bytes += payload.byteSize();
            pages.add(new HeldPage(offset, (int) payload.byteSize(), vectorCount, rowCount, firstRow, entry));
        }

        /**
         * The same pages, compressed by a dictionary that {@code codec} has from then on, their entries of the footer
         * set right; null, and nothing has changed, if {@code plain}, where they are without one, is hardly larger.
         */
        @Nullable
        PageStore compressedBy(PageCodec codec, PageStore plain, ByteSink entries, boolean isMoreToCome) {
            byte[] dictionary = train(payloads.memory().asSlice(0, payloads.bytes()), account);
            if (dictionary == null) {
                return null;
            }
            codec.dictionary(dictionary);
            PageStore store = new PageStore(account);
            boolean isKept = false;
            try {
                int[] slotBytes = addAll(store, codec);
                int times = isMoreToCome ? EXPECTED_TIMES : 1;
                long bytes = times * store.bytes() + PageFormat.slotBytes(dictionary.length);
                isKept = bytes <= times * plain.bytes() * RATIO_MAX;
                if (!isKept) {
                    return null;
                }
                for (int i = 0; i < slotBytes.length; i++) {
                    FooterFormat.setSlotBytes(entries, pages.get(i).entry(), slotBytes[i]);
                }
                return store;
            } finally {
                if (!isKept) {
                    store.close();
                    codec.dictionary(null);
                }
            }
        }

        /** Answers the bytes of each page in the file. */
        private int[] addAll(PageStore store, PageCodec codec) {
            int[] slotBytes = new int[pages.size()];
            for (int i = 0; i < slotBytes.length; i++) {
                HeldPage held = pages.get(i);
                MemorySegment payload = payloads.memory().asSlice(held.offset(), held.bytes());
                slotBytes[i] = store.add(payload, codec, held.vectorCount(), held.rowCount(), held.firstRow());
            }
            return slotBytes;
        }

        @Override
        public void close() {
            together.bytes -= payloads.bytes();
            payloads.close();
            pages.clear();
        }
    }
}
