package io.nyala.rows;

import io.nyala.memory.Check;
import io.nyala.rows.CellConversion.Bounds;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A condition on one column. Immutable. NULL matches {@link IsNull} and nothing else.
 *
 * <p>The factories take Java values and mean what mathematics means: a value that the column cannot hold (300 in an
 * INT8, 1.234 in a DECIMAL of scale 2) equals no cell, and as a bound it is as good as any other. A value of the wrong
 * Java type is an {@link IllegalArgumentException}. To evaluate one, compile it: {@link CellFilter}.
 */
public sealed interface Predicate {
    /** Index in the schema. */
    int column();

    /** The same condition on another column, of the same type. */
    default Predicate of(int otherColumn) {
        return switch (this) {
            case Equal equal -> new Equal(otherColumn, equal.value());
            case Range range -> new Range(otherColumn, range.lower(), range.upper());
            case InList list -> new InList(otherColumn, list.values());
            case InBloomFilters bloom -> new InBloomFilters(otherColumn, bloom.filters());
            case IsNull _ -> new IsNull(otherColumn);
            case IsNotNull _ -> new IsNotNull(otherColumn);
        };
    }

    /** The cell has this value. */
    record Equal(int column, CellValue value) implements Predicate {}

    /**
     * The cell lies between two bounds, at least one of which is given: without any it would be {@link IsNotNull},
     * which NaN matches and a range does not.
     *
     * @param lower included; null for no bound
     * @param upper excluded; null for no bound
     */
    record Range(
            int column, @Nullable CellValue lower, @Nullable CellValue upper) implements Predicate {
        public Range {
            if (lower == null && upper == null) {
                throw new IllegalArgumentException("a range on column " + column + " without bounds: use IsNotNull");
            }
        }
    }

    /**
     * The cell has one of these values.
     *
     * @param values ascending as cells of the column compare, none twice; may be empty, then nothing matches
     */
    record InList(int column, List<CellValue> values) implements Predicate {
        public InList {
            values = List.copyOf(values);
            Check.inRange("number of values of an IN list", values.size(), 0, Limits.IN_LIST_VALUES_MAX);
        }
    }

    record IsNull(int column) implements Predicate {}

    record IsNotNull(int column) implements Predicate {}

    /**
     * The cell may be in each of these sets: those that are in all of them match, and a few others.
     *
     * @param filters at least one
     */
    record InBloomFilters(int column, List<BloomFilter> filters) implements Predicate {
        public InBloomFilters {
            filters = List.copyOf(filters);
            Check.inRange("number of Bloom filters", filters.size(), 1, Limits.BLOOM_FILTERS_MAX);
        }
    }

    /**
     * A set of cells in little memory, as Kudu's block Bloom filter has it: a cell that was put in is in it, of others
     * a few are too. NULL is in none. Immutable.
     *
     * <pre>{@code
     *   block        eight u32 words, little-endian; as many blocks as a power of two
     *   hash         32 bits: of the cell's bytes, as they are in a packed row, by FastHash with a seed;
     *                of an empty cell, as of the bytes ee 7e ca 7d
     *   a cell is    in block (hash * M + A) >> 32, of which word i has the bit (hash * SALT[i]) >> 27
     * }</pre>
     */
    final class BloomFilter {
        /** One block. */
        public static final int LOG_BYTES_MIN = 5;

        /** What a scan can reasonably bring with it: 32 MiB. */
        public static final int LOG_BYTES_MAX = 25;

        private static final int BLOCK_WORDS = 8;
        private static final int[] SALTS = {
            0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31
        };
        private static final long SPREAD = 0x7850f11ec6d14889L;
        private static final long SPREAD_MORE = 0x6773610597ca4c63L;

        private static final long HASH = 0x880355f21e6d1965L;
        private static final long MIX = 0x2127599bf4325c37L;

        private final int[] words;
        /** An empty cell is hashed as if it had these four bytes: Impala does, and so Kudu. */
        private static final long EMPTY_CELL = 0x7dca7eeeL;

        private final int seed;
        private final int hashOfEmpty;
        private final boolean isEmpty;

        /**
         * @param data the blocks; a power of two of bytes
         * @param isEmpty whether nothing is in it, whatever the data
         */
        public BloomFilter(byte[] data, int seed, boolean isEmpty) {
            Check.powerOfTwo("bytes of a Bloom filter", data.length);
            Check.inRange("bytes of a Bloom filter", data.length, 1L << LOG_BYTES_MIN, 1L << LOG_BYTES_MAX);
            this.words = new int[data.length / Integer.BYTES];
            ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(words);
            this.seed = seed;
            this.isEmpty = isEmpty;
            this.hashOfEmpty = fold(mix(step(start(Integer.BYTES), EMPTY_CELL)));
        }

        /** With these cells more, each with the bytes that it has in a packed row. */
        public BloomFilter with(Collection<CellValue> cells) {
            var more = new BloomFilter(data(), seed, isEmpty && cells.isEmpty());
            for (CellValue cell : cells) {
                int hash = hash(cell.segment(), 0, cell.bytes());
                for (int i = 0; i < BLOCK_WORDS; i++) {
                    more.words[more.block(hash) + i] |= 1 << ((hash * SALTS[i]) >>> 27);
                }
            }
            return more;
        }

        /** Whether a cell, which is not NULL, may be in it. */
        public boolean mayContain(MemorySegment memory, long offset, int bytes) {
            return mayContain(hash(memory, offset, bytes));
        }

        private long start(int bytes) {
            return (seed & 0xFFFF_FFFFL) ^ bytes * HASH;
        }

        private int hash(MemorySegment memory, long offset, int bytes) {
            return bytes == 0 ? hashOfEmpty : fold(hash(memory, offset, bytes, seed & 0xFFFF_FFFFL));
        }

        /** As {@link #mayContain(MemorySegment, long, int)}, of a cell of at most 8 bytes. */
        public boolean mayContain(long cell, int bytes) {
            long masked = bytes == Long.BYTES ? cell : cell & ((1L << (bytes * Byte.SIZE)) - 1);
            return mayContain(fold(mix(step(start(bytes), masked))));
        }

        private boolean mayContain(int hash) {
            int block = block(hash);
            int missing = isEmpty ? 1 : 0;
            for (int i = 0; i < BLOCK_WORDS; i++) {
                missing |= ~(words[block + i] >>> ((hash * SALTS[i]) >>> 27)) & 1;
            }
            return missing == 0;
        }

        private int block(int hash) {
            long spread = (hash & 0xFFFF_FFFFL) * SPREAD + SPREAD_MORE;
            return (int) ((spread >>> Integer.SIZE) & (words.length / BLOCK_WORDS - 1)) * BLOCK_WORDS;
        }

        /** FastHash of 64 bits. */
        static long hash(MemorySegment memory, long offset, int bytes, long seed) {
            long hash = seed ^ bytes * HASH;
            int at = 0;
            for (; at + Long.BYTES <= bytes; at += Long.BYTES) {
                hash = step(hash, memory.get(LittleEndian.LONG, offset + at));
            }
            if (at < bytes) {
                long rest = 0;
                for (int i = bytes - 1; i >= at; i--) {
                    rest = rest << Byte.SIZE | LittleEndian.unsignedByte(memory, offset + i);
                }
                hash = step(hash, rest);
            }
            return mix(hash);
        }

        private static long step(long hash, long word) {
            return (hash ^ mix(word)) * HASH;
        }

        private static long mix(long value) {
            long mixed = (value ^ (value >>> 23)) * MIX;
            return mixed ^ (mixed >>> 47);
        }

        /** To 32 bits. */
        static int fold(long hash) {
            return (int) (hash - (hash >>> Integer.SIZE));
        }

        /** The blocks. A copy. */
        public byte[] data() {
            byte[] data = new byte[words.length * Integer.BYTES];
            ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().put(words);
            return data;
        }

        public int seed() {
            return seed;
        }

        /** Whether it is known that nothing is in it. */
        public boolean isEmpty() {
            return isEmpty;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof BloomFilter filter
                    && seed == filter.seed
                    && isEmpty == filter.isEmpty
                    && Arrays.equals(words, filter.words);
        }

        @Override
        public int hashCode() {
            return 31 * Arrays.hashCode(words) + seed;
        }

        @Override
        public String toString() {
            return isEmpty ? "nothing" : "a Bloom filter of " + words.length / BLOCK_WORDS + " blocks";
        }
    }

    /** {@code column = value}. */
    static Predicate equal(Schema schema, String name, Object value) {
        return in(schema, name, List.of(value));
    }

    /** {@code column IN (values)}. */
    static Predicate in(Schema schema, String name, Collection<?> values) {
        int index = schema.indexOfExisting(name);
        Column column = schema.column(index);
        List<CellValue> cells = new ArrayList<>();
        for (Object value : values) {
            CellValue cell = Bounds.cellOrNull(column, value);
            if (cell != null) {
                cells.add(cell);
            }
        }
        return ofCells(schema, index, cells);
    }

    /** {@code column IN (values)} for values that are cells already, in any order. */
    static Predicate ofCells(Schema schema, int column, List<CellValue> values) {
        ColumnType type = schema.column(column).type();
        CellValue[] sorted = values.toArray(CellValue[]::new);
        Arrays.sort(sorted, (left, right) -> left.compareTo(right, type));
        int count = 0;
        for (CellValue value : sorted) {
            if (count == 0 || sorted[count - 1].compareTo(value, type) != 0) {
                sorted[count++] = value;
            }
        }
        return count == 1 ? new Equal(column, sorted[0]) : new InList(column, List.of(Arrays.copyOf(sorted, count)));
    }

    /** {@code lower <= column < upper}. */
    static Predicate range(Schema schema, String name, Object lower, Object upper) {
        int index = schema.indexOfExisting(name);
        Column column = schema.column(index);
        return Bounds.atLeast(column, lower).and(Bounds.lessThan(column, upper)).predicate(index);
    }

    /** {@code column >= value}. */
    static Predicate atLeast(Schema schema, String name, Object value) {
        int index = schema.indexOfExisting(name);
        return Bounds.atLeast(schema.column(index), value).predicate(index);
    }

    /** {@code column > value}. */
    static Predicate greaterThan(Schema schema, String name, Object value) {
        int index = schema.indexOfExisting(name);
        return Bounds.greaterThan(schema.column(index), value).predicate(index);
    }

    /** {@code column < value}. */
    static Predicate lessThan(Schema schema, String name, Object value) {
        int index = schema.indexOfExisting(name);
        return Bounds.lessThan(schema.column(index), value).predicate(index);
    }

    /** {@code column <= value}. */
    static Predicate atMost(Schema schema, String name, Object value) {
        int index = schema.indexOfExisting(name);
        return Bounds.atMost(schema.column(index), value).predicate(index);
    }

    /** {@code column IS NULL}. */
    static Predicate isNull(Schema schema, String name) {
        return new IsNull(schema.indexOfExisting(name));
    }

    /** {@code column IS NOT NULL}. */
    static Predicate isNotNull(Schema schema, String name) {
        return new IsNotNull(schema.indexOfExisting(name));
    }

    /** What matches nothing. */
    static Predicate never(int column) {
        return new InList(column, List.of());
    }

    /** For messages and {@code explain}. */
    default String describe(Schema schema) {
        Column column = schema.column(column());
        String name = column.name();
        return switch (this) {
            case Equal equal -> name + " = " + equal.value().text(column);
            case Range range ->
                (range.lower() == null ? "" : range.lower().text(column) + " <= ")
                        + name
                        + (range.upper() == null ? "" : " < " + range.upper().text(column));
            case InList list ->
                name + " IN "
                        + list.values().stream()
                                .map(value -> value.text(column))
                                .toList();
            case InBloomFilters bloom -> name + " IN " + bloom.filters();
            case IsNull _ -> name + " IS NULL";
            case IsNotNull _ -> name + " IS NOT NULL";
        };
    }
}
