package io.nyala.cfile;

import io.nyala.cfile.FileFormat.Identity;
import io.nyala.cfile.PageFormat.Page;
import io.nyala.encoding.CorruptVectorException;
import io.nyala.encoding.DecoderScratch;
import io.nyala.encoding.EncodedVector;
import io.nyala.encoding.FlatBinary;
import io.nyala.encoding.VectorDecoder;
import io.nyala.encoding.VectorFormat;
import io.nyala.io.DiskFile;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.GrowingBuffer;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A file and who it should be. Immutable; shared by threads. The reader owns the file. */
record OpenFile(DiskFile file, Identity identity) {
    Path path() {
        return file.path();
    }

    /** Checks the slot of a page at {@code offset} and restores its payload at the start of {@code target}. */
    void unpack(Section section, int number, MemorySegment source, long offset, MemorySegment target) {
        Page page = section.page(number);
        unpack(page, source, offset, target, section.dictionary());
        if (section.isColumn()) {
            PageFormat.checkDirectory(path(), target, 0, page, PageFormat.vectorCount(source, offset));
        } else if (section.isKeyFilter()) {
            KeyFilter.checkPage(path(), section, number, target);
        }
    }

    /** Checks the slot of a page, of which nothing but the place need be known by a section. */
    void unpack(Page page, MemorySegment source, long offset, MemorySegment target) {
        unpack(page, source, offset, target, null);
    }

    private void unpack(
            Page page, MemorySegment source, long offset, MemorySegment target, @Nullable PageDictionary dictionary) {
        PageFormat.check(path(), source, offset, identity, page);
        int storedBytes = PageFormat.storedBytes(source, offset);
        String wrong = PageCodec.unpack(
                PageFormat.compression(source, offset),
                source.asSlice(offset + PageFormat.HEADER_BYTES, storedBytes),
                target.asSlice(0, page.payloadBytes()),
                dictionary);
        if (wrong != null) {
            throw new CorruptPageException(path(), page.position(), wrong);
        }
    }

    /**
     * Decodes all vectors of pages of columns, as scans would: what scans refuse is found, also where the checksum is
     * right.
     *
     * <p>For one thread. Owns its working memory.
     */
    static final class ValueReader implements AutoCloseable {
        private static final long OFFSETS_BYTES =
                (ColumnSpec.VECTOR_ROWS + 1L) * Integer.BYTES + VectorFormat.WRITE_PADDING_BYTES;

        /** Longer strings are looked at one by one, as nothing reads more of them at once. */
        private static final int STRING_BYTES_MAX = 1 << 20;

        private final OpenFile file;
        private final DecoderScratch scratch;
        private final EncodedVector vector;
        private final GrowingBuffer decoded;
        private final FlatBinary flat = new FlatBinary();

        ValueReader(OpenFile file, MemoryAccount account) {
            this.file = file;
            this.scratch = new DecoderScratch(account);
            this.vector = new EncodedVector(scratch);
            this.decoded = new GrowingBuffer(account);
        }

        /** Requires of a page whose directory was checked that its vectors can be read, and have their nulls. */
        void check(Section section, int page, MemorySegment payload) {
            int rows = section.pageRows(page);
            int nulls = 0;
            for (int first = 0; first < rows; first += ColumnSpec.VECTOR_ROWS) {
                int index = first / ColumnSpec.VECTOR_ROWS;
                nulls += PageFormat.nullCount(payload, 0, index);
                if (PageFormat.validity(payload, 0, index) == PageFormat.ALL_NULL) {
                    continue;
                }
                try {
                    vector.wrap(
                                    payload,
                                    PageFormat.vectorOffset(payload, 0, index),
                                    PageFormat.vectorBytes(payload, 0, index))
                            .expect(section.cellKind().cellBytes(), Math.min(ColumnSpec.VECTOR_ROWS, rows - first));
                    decode();
                } catch (CorruptVectorException e) {
                    throw new CorruptPageException(
                            file.path(), section.pagePosition(page), e.getMessage() + ", in vector " + index, e);
                }
            }
            if (nulls != section.nullCount(page)) {
                throw new CorruptPageException(
                        file.path(),
                        section.pagePosition(page),
                        "it has " + nulls + " nulls, expected " + section.nullCount(page) + " by the footer");
            }
        }

        private void decode() {
            if (!vector.isBinary()) {
                decoded.ensure(0, vector.decodedBytes() + VectorFormat.WRITE_PADDING_BYTES);
                VectorDecoder.decodeFixed(vector, decoded.memory(), 0);
            } else if (vector.decodedBytes() <= STRING_BYTES_MAX) {
                decoded.ensure(0, OFFSETS_BYTES + vector.decodedBytes() + VectorFormat.WRITE_PADDING_BYTES);
                VectorDecoder.decodeBinary(vector, flat.wrap(decoded.memory(), 0, decoded.memory(), OFFSETS_BYTES));
            } else {
                long sum = 0;
                for (int row = 0; row < vector.count(); row++) {
                    sum += VectorDecoder.binaryCellBytes(vector, row);
                }
                vector.expectDecodedBytes(sum);
            }
        }

        @Override
        public void close() {
            decoded.close();
            scratch.close();
        }
    }
}
