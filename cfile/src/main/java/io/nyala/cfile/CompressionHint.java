package io.nyala.cfile;

/**
 * What the owner of a column asks for on top of the encoding. It may cost space, never correctness: a page that does
 * not shrink stays as it is.
 */
public enum CompressionHint {
    /** LZ4 where it shrinks a page a lot. */
    AUTO,
    NONE,
    LZ4,
    /** For what is read rarely: smaller, and slower to read. */
    ZSTD,
    /** ZSTD with a dictionary of the column in this file, where that is smaller; for short pages above all. */
    ZSTD_DICTIONARY,
    /** Much like LZ4, for those who have measured it. */
    SNAPPY,
    /** Larger than ZSTD and slower than all others; Kudu's users may ask for it. */
    ZLIB
}
