package io.nyala.encoding;

/**
 * What the owner of a column asks for. A hint that cannot apply to the values at hand, or that would make the vector
 * larger than {@link #PLAIN}, is taken as {@link #AUTO}: it may cost space, never correctness.
 */
public enum EncodingHint {
    /** The smallest. */
    AUTO,
    /** Values as they are. */
    PLAIN,
    /** Runs of equal values. */
    RUN_LENGTH,
    /** Distinct values and codes. */
    DICTIONARY,
    /** Distances from the minimum in few bits; Kudu's {@code BIT_SHUFFLE} maps to it. */
    BIT_PACKED,
    /** Strings without the beginnings that they share. */
    PREFIX
}
