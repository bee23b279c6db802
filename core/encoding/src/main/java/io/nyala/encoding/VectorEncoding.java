package io.nyala.encoding;

/**
 * The ways in which a vector may be laid out. The id is byte 0 of a vector and never changes its meaning; 0 is none,
 * so that zeroed bytes are not a vector. Immutable.
 */
public enum VectorEncoding {
    /** All values are equal: {@link ConstantVector}. */
    CONSTANT(1),
    /** Values as they are: {@link PlainVector}. */
    PLAIN(2),
    /** Runs of equal values: {@link RunLengthVector}. */
    RUN_LENGTH(3),
    /** Distances from the minimum, bit-packed: {@link FrameOfReferenceVector}. */
    FRAME_OF_REFERENCE(4),
    /** Distinct values and bit-packed codes: {@link DictionaryVector}. */
    DICTIONARY(5),
    /** Steps from value to value, bit-packed: {@link DeltaVector}. */
    DELTA(6),
    /** Strings without the beginning that they share with another: {@link PrefixVector}. */
    PREFIX(7),
    /** Strings as codes of symbols that are frequent in them: {@link FsstVector}. */
    FSST(8),
    /** Floating point numbers as scaled integers: {@link AlpVector}. */
    ALP(9);

    private static final VectorEncoding[] ALL = values();

    private final int id;

    VectorEncoding(int id) {
        this.id = id;
    }

    static {
        for (int i = 0; i < ALL.length; i++) {
            if (ALL[i].id != i + 1) {
                throw new AssertionError("ids are dense from 1, which of(id) relies on");
            }
        }
    }

    /** Byte 0 of a vector of this encoding. */
    public int id() {
        return id;
    }

    static boolean isKnown(int id) {
        return id >= 1 && id <= ALL.length;
    }

    static VectorEncoding of(int id) {
        return ALL[id - 1];
    }
}
