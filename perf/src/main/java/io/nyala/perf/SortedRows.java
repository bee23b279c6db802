package io.nyala.perf;

/**
 * Rows in the order of their keys, in memory: what {@link FreshRows} measures, and its peers. Keys are numbered; how
 * number {@code i} looks is up to {@link Keys}. A row has a value of 8 bytes. One thread, but for {@link #scan}.
 */
interface SortedRows extends AutoCloseable {
    String name();

    /** Adds the rows of the keys numbered {@code first} to {@code last - 1}; they are not there yet. */
    void insert(Keys keys, long first, long last);

    /** Whether the row of a key is there. */
    boolean contains(Keys keys, long number);

    /** Reads all rows in order; answers how many there are. */
    long scan();

    /** Bytes of memory per row beyond those of its key and value, or -1 where nobody counts. */
    double overheadBytes(Keys keys, long rows);

    @Override
    void close();

    /** How keys look and in which order they come. */
    enum Keys {
        ASCENDING("8 bytes, ascending", Long.BYTES),
        RANDOM("8 bytes, random", Long.BYTES),
        STRINGS("strings of 32 bytes, random", 32);

        private static final long SCRAMBLE = 0x9E37_79B9_7F4A_7C15L; // Odd, so that it permutes the numbers.
        private static final byte[] DIGITS = {
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'
        };

        final String title;
        final int bytes;

        Keys(String title, int bytes) {
            this.title = title;
            this.bytes = bytes;
        }

        /** The key with this number, as a number; of a string what its digits are made of. */
        long number(long index) {
            if (this == ASCENDING) {
                return index;
            }
            long mixed = index * SCRAMBLE;
            return mixed ^ (mixed >>> 32); // Without it, neighbours would be a constant apart.
        }

        /** The key with this number as 32 digits. */
        void writeText(long index, byte[] target) {
            long number = number(index);
            for (int i = 0; i < Long.SIZE / 4; i++) {
                byte digit = DIGITS[(int) (number >>> (Long.SIZE - 4 - 4 * i)) & 15];
                target[i] = digit;
                target[bytes - 1 - i] = digit;
            }
        }
    }
}
