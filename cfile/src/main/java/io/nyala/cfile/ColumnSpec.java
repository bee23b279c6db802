package io.nyala.cfile;

import io.nyala.encoding.EncodingHint;
import io.nyala.encoding.VectorFormat;
import io.nyala.memory.Check;
import io.nyala.rows.Column;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * A column of a file: what a cell is, and how its pages should be. Immutable; a change is a copy.
 *
 * @param id by which readers ask for it; 0 or more, unique among all sections of the file
 * @param name for people, and messages
 * @param kind what a cell physically is
 * @param isKey whether rows are looked up by it: its pages are small, and compressed only if that is asked for
 * @param isNullable whether cells may be null
 * @param encoding a hint
 * @param compression a hint; for a key column, AUTO means none
 * @param pageBytes a hint: target of a page's payload; 0 lets the writer choose
 */
public record ColumnSpec(
        int id,
        String name,
        CellKind kind,
        boolean isKey,
        boolean isNullable,
        EncodingHint encoding,
        CompressionHint compression,
        int pageBytes) {
    /** Rows of every vector of a column but the last, so that the vector of a row is found by arithmetic. */
    public static final int VECTOR_ROWS = VectorFormat.VALUES_MAX;

    static final int NAME_BYTES_MAX = 1024;

    /** Bytes of a slab that a page leaves free, for the padding that kernels read behind a vector. */
    private static final int SLAB_MARGIN_BYTES = VectorFormat.READ_PADDING_BYTES;

    /** A look-up reads one page of each key column, and a device reads 16 KiB nearly as fast as 4. */
    static final int KEY_PAGE_BYTES = (16 << 10) - SLAB_MARGIN_BYTES;

    /** Large enough that a read-ahead of 256 KiB has few pages, small enough that a predicate can skip some. */
    static final int PAGE_BYTES = (64 << 10) - SLAB_MARGIN_BYTES;

    static final int PAGE_BYTES_MIN = 4 << 10;
    static final int PAGE_BYTES_MAX = 1 << 20;

    /**
     * Most vectors of a page, however small they are: the smallest and largest value of a page are worth less the more
     * rows it has. A page of 65,536 constant cells is about 1.5 KiB.
     */
    static final int PAGE_VECTORS_MAX = 64;

    public ColumnSpec {
        Check.notNegative("id", id);
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(encoding, "encoding");
        Objects.requireNonNull(compression, "compression");
        Check.inRange("bytes of the name", name.getBytes(StandardCharsets.UTF_8).length, 0, NAME_BYTES_MAX);
        Check.notNegative("pageBytes", pageBytes);
    }

    /** A column without nulls, of which everything is left to the writer. */
    public static ColumnSpec of(int id, String name, CellKind kind) {
        return new ColumnSpec(id, name, kind, false, false, EncodingHint.AUTO, CompressionHint.AUTO, 0);
    }

    /** The column of a file that holds a column of a table. */
    public static ColumnSpec of(Column column) {
        EncodingHint encoding =
                switch (column.encoding()) {
                    case AUTO -> EncodingHint.AUTO;
                    case PLAIN -> EncodingHint.PLAIN;
                    case PREFIX -> EncodingHint.PREFIX;
                    case RLE -> EncodingHint.RUN_LENGTH;
                    case DICT -> EncodingHint.DICTIONARY;
                    case BIT_SHUFFLE -> EncodingHint.BIT_PACKED;
                };
        CompressionHint compression =
                switch (column.compression()) {
                    case DEFAULT -> CompressionHint.AUTO;
                    case NONE -> CompressionHint.NONE;
                    case LZ4 -> CompressionHint.LZ4;
                    case SNAPPY -> CompressionHint.SNAPPY;
                    case ZSTD -> CompressionHint.ZSTD;
                    case ZSTD_DICTIONARY -> CompressionHint.ZSTD_DICTIONARY;
                    case ZLIB -> CompressionHint.ZLIB;
                };
        return new ColumnSpec(
                column.id(),
                column.name(),
                CellKind.of(column.type()),
                column.isKey(),
                column.isNullable(),
                encoding,
                compression,
                column.blockBytes());
    }

    public ColumnSpec key() {
        return new ColumnSpec(id, name, kind, true, isNullable, encoding, compression, pageBytes);
    }

    public ColumnSpec nullable() {
        return new ColumnSpec(id, name, kind, isKey, true, encoding, compression, pageBytes);
    }

    public ColumnSpec withEncoding(EncodingHint hint) {
        return new ColumnSpec(id, name, kind, isKey, isNullable, hint, compression, pageBytes);
    }

    public ColumnSpec withCompression(CompressionHint hint) {
        return new ColumnSpec(id, name, kind, isKey, isNullable, encoding, hint, pageBytes);
    }

    public ColumnSpec withPageBytes(int bytes) {
        return new ColumnSpec(id, name, kind, isKey, isNullable, encoding, compression, bytes);
    }

    /** Payload at which a page is full. What is asked for is rounded into limits; a key page keeps its own. */
    int targetPageBytes() {
        int automatic = isKey ? KEY_PAGE_BYTES : PAGE_BYTES;
        if (pageBytes == 0) {
            return automatic;
        }
        int most = isKey ? KEY_PAGE_BYTES : PAGE_BYTES_MAX - SLAB_MARGIN_BYTES;
        return Math.clamp(pageBytes, PAGE_BYTES_MIN, most);
    }

    /** Whether pages go to a compressor because somebody said so. */
    boolean isCompressionAsked() {
        return effectiveCompression() != CompressionHint.AUTO && effectiveCompression() != CompressionHint.NONE;
    }

    CompressionHint effectiveCompression() {
        return isKey && compression == CompressionHint.AUTO ? CompressionHint.NONE : compression;
    }
}
