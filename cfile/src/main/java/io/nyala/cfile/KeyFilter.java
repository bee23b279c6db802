package io.nyala.cfile;

import io.nyala.memory.Check;
import io.nyala.memory.Notes;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Tells for most keys that a file does not have them, by one page in the cache, or one read: a Bloom filter whose bits
 * for one key all lie in one block of 64 bytes (Putze, Sanders, Singler 2007), so that a probe costs one cache miss of
 * the processor. Pages have 254 blocks each, but for the last.
 *
 * <pre>{@code
 *   0         4        8             12           16     24     64        128
 *   +---------+--------+-------------+------------+------+------+---------+---------+-- - -
 *   | version | blocks | first block | all blocks | rate | zero | block 0 | block 1 |
 *   +---------+--------+-------------+------------+------+------+---------+---------+-- - -
 *       u32      u32         u32          u32       f64   u8[40]  u32[16]   u32[16]
 * }</pre>
 *
 * With {@code hash} the {@link KeyHash} of a key: its block is {@code (hash >>> 32) * all blocks >>> 32}, and word
 * {@code i} of the block has bit {@code (int) hash * SALT[i] >>> 27} set. {@code rate} is the part of other keys that
 * it was asked to let through, at most; there are as many blocks as that takes, but never more than 32 MiB.
 *
 * <p>Version 1 was one page of blocks of 8 words, of 16 bits a key, with a header of 32 bytes without what follows
 * {@code blocks}; it is read, too.
 *
 * <p>It only spares reads, so a damaged page keeps nobody from a key: it is logged, and from then on any key may be
 * here, by what this tells. A page that cannot be read at this moment is a failure, as of any other.
 *
 * <p>Shared by threads. Belongs to its {@link CFileReader}. Allocates nothing where the page is cached.
 */
public final class KeyFilter {
    private static final Logger LOG = System.getLogger(KeyFilter.class.getName());

    /** As Kudu's {@code --tablet_bloom_target_fp_rate}; takes 3 bytes a key. */
    public static final double RATE_DEFAULT = 1e-4;

    /** 5 bytes a key. */
    public static final double RATE_MIN = 1e-6;

    /** A byte a key. */
    public static final double RATE_MAX = 0.1;

    /** 11 million keys at the default rate, far more than a rowset has; more make it weaker, not larger. */
    static final int BLOCKS_MAX = 1 << 19;

    /** With the padding that is read behind pages, and the header, a slab of 16 KiB. */
    static final int PAGE_BLOCKS = 254;

    static final int PAGES_MAX = (BLOCKS_MAX + PAGE_BLOCKS - 1) / PAGE_BLOCKS;

    private static final int RATE = 16;

    /** Odd numbers, the first eight the ones of Impala, Kudu and Parquet. */
    private static final int[] SALT = {
        0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
        0x3c6ef373, 0xbb67ae85, 0x9b05688b, 0x510e527f, 0xd1b54a33, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f
    };

    /**
     * How blocks lie in pages.
     *
     * @param words of a block, of 4 bytes
     */
    private record Shape(int version, int headerBytes, int words, int blocksMax) {
        static final Shape NOW = new Shape(2, 64, 16, BLOCKS_MAX);
        static final Shape BEFORE = new Shape(1, 32, 8, 1 << 20);

        static Shape of(SectionKind kind) {
            return kind == SectionKind.KEY_FILTER ? NOW : BEFORE;
        }

        boolean isPaged() {
            return version == NOW.version;
        }

        int blockBytes() {
            return words * Integer.BYTES;
        }

        long bytes(int blocks) {
            return headerBytes + (long) blocks * blockBytes();
        }

        int blocks(int payloadBytes) {
            return (payloadBytes - headerBytes) / blockBytes();
        }
    }

    static {
        Check.that(Shape.NOW.words == SALT.length, "each word has a salt");
        for (int salt : SALT) {
            Check.that((salt & 1) == 1, "salts are odd, so that no bits of a hash are lost");
        }
    }

    /** Words of a block that are looked at before it is asked whether one was enough; a divisor of all. */
    private static final int WORDS_AT_ONCE = 4;

    private final OpenFile file;
    private final Section section;
    private final PageCache cache;
    private final Shape shape;
    private final int pageBlocks;
    private final int blockCount;
    private volatile boolean isDamaged;

    /** Requires that the pages of the section have the sizes that those of a filter have. */
    KeyFilter(OpenFile file, Section section, PageCache cache) {
        this.file = file;
        this.section = section;
        this.cache = cache;
        shape = Shape.of(section.kind());
        pageBlocks = pageBlocks(section);
        int last = section.pageCount() - 1;
        long all = (long) last * pageBlocks;
        for (int page = 0; page <= last; page++) {
            int bytes = section.payloadBytes(page);
            int blocks = shape.blocks(bytes);
            Check.inRange("blocks of a filter's page", blocks, page == last ? 1 : pageBlocks, pageBlocks);
            Check.inRange("bytes of a filter's page", bytes, shape.bytes(blocks), shape.bytes(blocks));
            all += page == last ? blocks : 0;
        }
        Check.inRange("blocks of the key filter", all, 1, shape.blocksMax());
        blockCount = (int) all;
    }

    /** Of all pages but the last; the one page that there was before has any number. */
    private static int pageBlocks(Section section) {
        return section.kind() == SectionKind.KEY_FILTER
                ? PAGE_BLOCKS
                : Math.max(1, Shape.BEFORE.blocks(section.payloadBytes(0)));
    }

    /** What {@link #mayContain(long)} and {@link #page} are asked with. */
    public static long hash(MemorySegment key, long offset, int bytes) {
        return KeyHash.of(key, offset, bytes);
    }

    /** The page that answers for a hash. */
    public int page(long hash) {
        return blockOf(hash, blockCount) / pageBlocks;
    }

    int pageCount() {
        return section.pageCount();
    }

    /** Whether a page is in the cache, or on its way there, at this moment. */
    public boolean isCached(int page) {
        return section.cached(page) != null;
    }

    /** Whether a page of it was found damaged: then it is not asked any more. */
    boolean isDamaged() {
        return isDamaged;
    }

    OpenFile file() {
        return file;
    }

    Section section() {
        return section;
    }

    /** False if the file surely does not have the key. Reads where the page is not cached. */
    public boolean mayContain(MemorySegment key, long offset, int bytes) {
        return mayContain(hash(key, offset, bytes));
    }

    /** As above, of the {@link #hash} of a key. */
    public boolean mayContain(long hash) {
        int block = blockOf(hash, blockCount);
        int page = block / pageBlocks;
        CachedPage pinned = pinUnlessDamaged(page);
        if (pinned == null) {
            return true;
        }
        try {
            return hasAll(pinned.memory(), shape.bytes(block - page * pageBlocks), shape.words(), (int) hash);
        } finally {
            pinned.unpin();
        }
    }

    /**
     * As above, of keys whose blocks are all in one page.
     *
     * @param keys indexes of hashes and answers; those at {@code from} to {@code to}, excluded
     */
    void ask(int page, long[] hashes, int[] keys, int from, int to, boolean[] answers) {
        CachedPage pinned = pinUnlessDamaged(page);
        if (pinned == null) {
            for (int i = from; i < to; i++) {
                answers[keys[i]] = true;
            }
            return;
        }
        try {
            MemorySegment memory = pinned.memory();
            int first = page * pageBlocks;
            for (int i = from; i < to; i++) { // Without a branch, so that blocks are fetched many at a time.
                long hash = hashes[keys[i]];
                answers[keys[i]] = isMissing(memory, block(hash, first), 0, (int) hash) == 0;
            }
            for (int i = from; i < to; i++) {
                long hash = hashes[keys[i]];
                answers[keys[i]] &= hasAll(memory, block(hash, first), shape.words(), (int) hash);
            }
        } finally {
            pinned.unpin();
        }
    }

    /** Where in its page a hash has its block. */
    private long block(long hash, int firstOfPage) {
        return shape.bytes(blockOf(hash, blockCount) - firstOfPage);
    }

    private @Nullable CachedPage pinUnlessDamaged(int page) {
        if (!isDamaged) {
            try {
                return cache.pin(file, section, page, null);
            } catch (CorruptPageException e) {
                tellDamage(e);
            }
        }
        return null;
    }

    private void tellDamage(CorruptPageException cause) {
        if (!isDamaged) {
            isDamaged = true;
            LOG.log(
                    Level.WARNING,
                    "a key filter is not asked any more; look-ups in its rowset read pages of keys instead, also for"
                            + " keys that are not there, until it is merged: {0}",
                    cause.getMessage());
        }
    }

    private static int blockOf(long hash, int blockCount) {
        return (int) (((hash >>> 32) * blockCount) >>> 32);
    }

    /** Of a key that is not there, the first few words say so as a rule. */
    private static boolean hasAll(MemorySegment memory, long block, int words, int hash) {
        for (int i = 0; i < words; i += WORDS_AT_ONCE) {
            int missing = isMissing(memory, block, i, hash)
                    | isMissing(memory, block, i + 1, hash)
                    | isMissing(memory, block, i + 2, hash)
                    | isMissing(memory, block, i + 3, hash);
            if (missing != 0) {
                return false;
            }
        }
        return true;
    }

    /** Not 0, if the word has not the bit of the hash. */
    private static int isMissing(MemorySegment memory, long block, int word, int hash) {
        int bit = 1 << ((hash * SALT[word]) >>> 27);
        return ~memory.get(Cells.INT, block + (long) word * Integer.BYTES) & bit;
    }

    /** Requires of a page whose checksum is right that it is the one of its filter that it should be. */
    static void checkPage(Path path, Section section, int page, MemorySegment memory) {
        Shape shape = Shape.of(section.kind());
        int pageBlocks = pageBlocks(section);
        int last = section.pageCount() - 1;
        int blocks = shape.blocks(section.payloadBytes(page));
        try {
            Check.inRange("version of the key filter", memory.get(Cells.INT, 0), shape.version(), shape.version());
            Check.inRange("blocks of the page", memory.get(Cells.INT, 4), blocks, blocks);
            int zero = 8;
            if (shape.isPaged()) {
                long first = (long) page * pageBlocks;
                long all = (long) last * pageBlocks + shape.blocks(section.payloadBytes(last));
                Check.inRange("first block of the page", memory.get(Cells.INT, 8), first, first);
                Check.inRange("blocks of the key filter", memory.get(Cells.INT, 12), all, all);
                checkRate(memory.get(Cells.DOUBLE, RATE));
                zero = RATE + Double.BYTES;
            }
            Check.that(
                    Cells.isZero(memory, zero, shape.headerBytes() - zero),
                    "the unused part of a key filter must be zero");
        } catch (IllegalArgumentException e) {
            throw new CorruptPageException(
                    path, section.pagePosition(page), "the key filter makes no sense: " + e.getMessage(), e);
        }
    }

    /** Requires that a filter can be asked for such a rate. */
    public static void checkRate(double rate) {
        if (!(rate >= RATE_MIN && rate <= RATE_MAX)) {
            throw new IllegalArgumentException("the rate of false positives of key filters must be between " + RATE_MIN
                    + " and " + RATE_MAX + ", was " + rate);
        }
    }

    static void annotate(MemorySegment memory, long offset, Notes notes) {
        int version = memory.get(Cells.INT, offset);
        int blocks = memory.get(Cells.INT, offset + 4);
        Shape shape = version == Shape.NOW.version ? Shape.NOW : Shape.BEFORE;
        notes.note(offset, 4, "version: " + version);
        notes.note(offset + 4, 4, "blocks: " + blocks);
        int zero = 8;
        int first = 0;
        if (shape.isPaged()) {
            first = memory.get(Cells.INT, offset + 8);
            notes.note(offset + 8, 4, "first block: " + first);
            notes.note(offset + 12, 4, "all blocks: " + memory.get(Cells.INT, offset + 12));
            String rate = String.format(Locale.ROOT, "%.6f", memory.get(Cells.DOUBLE, offset + RATE));
            notes.note(offset + RATE, Double.BYTES, "rate: " + rate);
            zero = RATE + Double.BYTES;
        }
        notes.note(offset + zero, shape.headerBytes() - zero, "zero");
        for (int i = 0; i < blocks; i++) {
            notes.note(offset + shape.bytes(i), shape.blockBytes(), "block " + (first + i));
        }
    }

    /**
     * Asks filters of many keys at a time. Keys whose blocks are in one page are asked for one after the other:
     * each page is pinned once, and what is fetched from memory for one key does not wait for the key before.
     *
     * <p>For one thread, and one filter after the other. Allocates nothing.
     */
    public static final class Batch {
        /** Keys of one batch. */
        public static final int KEYS_MAX = 1024;

        // By the order in which they were added.
        private final long[] hashes = new long[KEYS_MAX];
        private final int[] pages = new int[KEYS_MAX];
        private final boolean[] answers = new boolean[KEYS_MAX];

        private final int[] order = new int[KEYS_MAX]; // By page.
        private final int[] ends = new int[PAGES_MAX]; // Of pages, in that order.
        private int count;

        /** Of those in the order whose page was not in the cache. */
        private int leftCount;

        /** Forgets all keys. */
        public void clear() {
            count = 0;
        }

        /** Adds a key, by its {@link #hash}. */
        public void add(long hash) {
            hashes[count++] = hash;
        }

        /** Asks of those keys whose pages are in the cache; false if there are others. */
        public boolean ask(KeyFilter filter) {
            sortByPage(filter);
            leftCount = 0;
            for (int from = 0; from < count; ) {
                int end = pageEnd(from, count);
                int page = pages[order[from]];
                if (filter.isCached(page)) {
                    filter.ask(page, hashes, order, from, end, answers);
                } else {
                    System.arraycopy(order, from, order, leftCount, end - from); // What is overwritten was asked for.
                    leftCount += end - from;
                }
                from = end;
            }
            return leftCount == 0;
        }

        /** Asks of all other keys, whose pages are read, many together. */
        public void readAndAsk(KeyFilter filter, Prefetch prefetch) {
            for (int from = 0; from < leftCount; ) {
                int end = from;
                while (end < leftCount && prefetch.add(filter, pages[order[end]])) {
                    end = pageEnd(end, leftCount);
                }
                prefetch.run();
                while (from < end) {
                    int next = pageEnd(from, end);
                    filter.ask(pages[order[from]], hashes, order, from, next, answers);
                    from = next;
                }
            }
            leftCount = 0;
        }

        /** Whether the filter that was asked last may have a key, by the place at which it was added. */
        public boolean mayContain(int index) {
            return answers[index];
        }

        /** Behind the last key that has its block in the same page. */
        private int pageEnd(int from, int to) {
            int page = pages[order[from]];
            int end = from + 1;
            while (end < to && pages[order[end]] == page) {
                end++;
            }
            return end;
        }

        /** Counting sort: there are about as many pages as keys, or fewer. */
        private void sortByPage(KeyFilter filter) {
            Arrays.fill(ends, 0, filter.pageCount(), 0);
            for (int i = 0; i < count; i++) {
                pages[i] = filter.page(hashes[i]);
                ends[pages[i]]++;
            }
            for (int page = 1; page < filter.pageCount(); page++) {
                ends[page] += ends[page - 1];
            }
            for (int i = count - 1; i >= 0; i--) {
                order[--ends[pages[i]]] = i;
            }
        }
    }

    /** Makes the pages of a filter, in memory one behind the other. For one thread; stateless but for its memory. */
    static final class Writer {
        private static final Shape SHAPE = Shape.NOW;

        /** Of a page but the last. */
        static final long PAGE_BYTES = SHAPE.bytes(PAGE_BLOCKS);

        private final MemorySegment memory;
        private final int blockCount;

        /** Begins with no key in {@code memory}, which has {@link #bytes}. */
        Writer(MemorySegment memory, int blockCount, double rate) {
            assert memory.byteSize() == bytes(blockCount) : memory.byteSize() + " for " + blockCount;
            this.memory = memory;
            this.blockCount = blockCount;
            memory.fill((byte) 0);
            for (int first = 0; first < blockCount; first += PAGE_BLOCKS) {
                long page = first / PAGE_BLOCKS * PAGE_BYTES;
                memory.set(Cells.INT, page, SHAPE.version());
                memory.set(Cells.INT, page + 4, Math.min(PAGE_BLOCKS, blockCount - first));
                memory.set(Cells.INT, page + 8, first);
                memory.set(Cells.INT, page + 12, blockCount);
                memory.set(Cells.DOUBLE, page + RATE, rate);
            }
        }

        void add(long hash) {
            int block = blockOf(hash, blockCount);
            long at = block / PAGE_BLOCKS * PAGE_BYTES + SHAPE.bytes(block % PAGE_BLOCKS);
            for (int i = 0; i < SALT.length; i++) {
                long word = at + (long) i * Integer.BYTES;
                memory.set(Cells.INT, word, memory.get(Cells.INT, word) | 1 << (((int) hash * SALT[i]) >>> 27));
            }
        }

        /** Of all pages. */
        static long bytes(int blockCount) {
            return (blockCount + PAGE_BLOCKS - 1) / PAGE_BLOCKS * (long) SHAPE.headerBytes()
                    + (long) blockCount * SHAPE.blockBytes();
        }

        static int blockCount(long keyCount, double keysPerBlock) {
            return (int) Math.clamp(Math.ceil(keyCount / keysPerBlock), 1, BLOCKS_MAX);
        }

        /** The most keys that a block may have on average for at most this rate. */
        static double keysPerBlock(double rate) {
            double least = 1;
            double most = SHAPE.blockBytes() * (double) Byte.SIZE;
            while (most - least > 0.01) {
                double middle = (least + most) / 2;
                if (rate(middle) <= rate) {
                    least = middle;
                } else {
                    most = middle;
                }
            }
            return least;
        }

        /** How many keys a block has is a matter of chance, by Poisson: crowded ones let more through. */
        private static double rate(double keysPerBlock) {
            double sum = 0;
            double ofCount = Math.exp(-keysPerBlock);
            for (int keys = 0; keys < 2 * keysPerBlock + 100; keys++) {
                double isSet = 1 - Math.pow(1 - 1.0 / Integer.SIZE, keys);
                sum += ofCount * Math.pow(isSet, SHAPE.words());
                ofCount *= keysPerBlock / (keys + 1);
            }
            return sum;
        }
    }
}
