package io.nyala.cfile;

import io.nyala.cfile.FileFormat.Identity;
import io.nyala.cfile.FooterFormat.SectionEntry;
import io.nyala.encoding.EncoderScratch;
import io.nyala.encoding.FlatBinary;
import io.nyala.encoding.VectorEncoder;
import io.nyala.encoding.VectorFormat;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Zeros;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Takes the cells of one column, in row order, and keeps them as finished pages until the file is written. Part of a
 * {@link CFileWriter}, whose thread it belongs to and with which it is closed.
 */
public final class ColumnWriter extends CFileWriter.Part {
    private final ColumnSpec spec;
    private final VectorStage stage;
    private final VectorEncoder encoder;
    private final PageCodec codec;
    private final MemoryAccount account;
    private final ByteSink entries;
    private final ByteSink assembly;
    private final ByteSink vector;
    private final ByteSink vectors;
    private final Zone vectorZone;
    private final Zone pageZone;
    private PageStore pages;

    /** What a dictionary is to be trained from; null if nobody asked for one, or when that is decided. */
    private PageDictionary.@Nullable Trainer held;

    private CFileWriter.@Nullable Part dictionary;

    // The vectors of the page that is being filled.
    private final int[] offsets = new int[ColumnSpec.PAGE_VECTORS_MAX + 1];
    private final int[] byteCounts = new int[ColumnSpec.PAGE_VECTORS_MAX + 1];
    private final int[] nullCounts = new int[ColumnSpec.PAGE_VECTORS_MAX + 1];
    private final int[] validities = new int[ColumnSpec.PAGE_VECTORS_MAX + 1];
    private int vectorCount;
    private int pageRows;
    private int firstRow;
    private long rowCount;
    private boolean isFinished;

    /** {@code scratch}, {@code vector}, {@code assembly} and {@code held} are shared by all columns of a file. */
    ColumnWriter(
            ColumnSpec spec,
            MemoryAccount account,
            EncoderScratch scratch,
            ByteSink vector,
            ByteSink assembly,
            PageDictionary.Trainer.Held held) {
        this.spec = spec;
        this.stage = new VectorStage(spec.kind(), account);
        this.encoder = new VectorEncoder(scratch, spec.encoding(), spec.isCompressionAsked());
        this.codec = new PageCodec(spec.effectiveCompression());
        this.account = account;
        this.pages = new PageStore(account);
        this.held = spec.effectiveCompression() == CompressionHint.ZSTD_DICTIONARY
                ? new PageDictionary.Trainer(account, held)
                : null;
        this.entries = new ByteSink(account);
        this.vector = vector;
        this.assembly = assembly;
        this.vectors = new ByteSink(account);
        this.vectorZone = stage.zone(0);
        this.pageZone = stage.zone(1);
        pageZone.clear();
    }

    public ColumnSpec spec() {
        return spec;
    }

    /** What the footer says of a column. */
    static SectionEntry entry(ColumnSpec spec) {
        int flags = (spec.isKey() ? FooterFormat.KEY : 0) | (spec.isNullable() ? FooterFormat.NULLABLE : 0);
        return new SectionEntry(SectionKind.COLUMN, spec.kind().id(), flags, spec.id(), spec.name());
    }

    @Override
    SectionEntry entry() {
        return entry(spec);
    }

    /** Rows appended so far. */
    @Override
    public long rowCount() {
        return rowCount;
    }

    /** Adds one cell: {@code bytes} bytes of a string, or those of the kind. */
    public void append(MemorySegment memory, long offset, int bytes) {
        assert spec.kind().isBinary() || bytes == spec.kind().cellBytes() : bytes + " for " + spec.kind();
        stage.append(memory, offset, bytes);
        rowAdded();
    }

    public void appendNull() {
        if (!spec.isNullable()) {
            throw new IllegalArgumentException(
                    "column " + spec.name() + " is not nullable, but row " + rowCount + " is null");
        }
        stage.appendNull();
        rowAdded();
    }

    /** Adds {@code count} cells that lie back to back, none of them null. */
    public void appendAll(MemorySegment values, long offset, int count) {
        int cellBytes = spec.kind().cellBytes();
        for (int done = 0; done < count; ) {
            int part = Math.min(count - done, ColumnSpec.VECTOR_ROWS - stage.rowCount());
            stage.appendAll(values, offset + (long) done * cellBytes, part);
            rowCount += part - 1;
            rowAdded();
            done += part;
        }
    }

    /**
     * Adds {@code count} cells that lie back to back; bit {@code i} of the bitmap at {@code validityOffset} says
     * whether cell {@code i} is valid.
     */
    public void appendAll(MemorySegment values, long offset, MemorySegment validity, long validityOffset, int count) {
        int cellBytes = spec.kind().cellBytes();
        for (int i = 0; i < count; i++) {
            if (isValid(validity, validityOffset, i)) {
                append(values, offset + (long) i * cellBytes, cellBytes);
            } else {
                appendNull();
            }
        }
    }

    /** Adds {@code count} strings, none of them null. */
    public void appendAll(FlatBinary strings, int count) {
        for (int i = 0; i < count; i++) {
            append(strings.bytes(), strings.start(i), strings.bytes(i));
        }
    }

    /**
     * Adds {@code count} strings; bit {@code i} of the bitmap at {@code validityOffset} says whether string {@code i}
     * is valid.
     */
    public void appendAll(FlatBinary strings, MemorySegment validity, long validityOffset, int count) {
        for (int i = 0; i < count; i++) {
            if (isValid(validity, validityOffset, i)) {
                append(strings.bytes(), strings.start(i), strings.bytes(i));
            } else {
                appendNull();
            }
        }
    }

    private static boolean isValid(MemorySegment validity, long offset, int row) {
        return (validity.get(Cells.BYTE, offset + (row >>> 3)) >>> (row & 7) & 1) != 0;
    }

    private void rowAdded() {
        rowCount++;
        if (stage.isFull()) {
            encodeVector();
        }
    }

    /**
     * Turns what is staged into an encoded vector at the end of the page, or of the next page if it would make this one
     * too large. It is encoded where all columns do that, so that each keeps no more than its page.
     */
    private void encodeVector() {
        int rows = stage.rowCount();
        vectorZone.take(stage);
        int nulls = vectorZone.nullCount();
        int validity = nulls == 0 ? PageFormat.ALL_VALID : nulls == rows ? PageFormat.ALL_NULL : PageFormat.BITMAP;
        vector.truncate(0);
        if (validity == PageFormat.BITMAP) {
            vector.put(stage.memory(), stage.validity(), PageFormat.bitmapBytes(rows));
        }
        int start = Math.toIntExact(vector.bytes());
        int bytes = nulls == rows ? 0 : encodeValues(rows);
        vector.pad8();
        if (vectorCount > 0
                && payloadBytes(vectorCount + 1, vectors.bytes() + vector.bytes()) > spec.targetPageBytes()) {
            finishPage();
        }
        validities[vectorCount] = validity;
        nullCounts[vectorCount] = nulls;
        offsets[vectorCount] = Math.toIntExact(vectors.bytes()) + start;
        byteCounts[vectorCount] = bytes;
        vectorCount++;
        vectors.put(vector.memory(), 0, vector.bytes());
        pageZone.add(vectorZone);
        pageRows += rows;
        stage.clear();
        if (vectorCount == ColumnSpec.PAGE_VECTORS_MAX) {
            finishPage();
        }
    }

    private int encodeValues(int rows) {
        CellKind kind = spec.kind();
        long room = kind.isBinary()
                ? VectorFormat.maxBinaryBytes(rows, stage.rawBytes())
                : VectorFormat.maxFixedBytes(rows, kind.cellBytes());
        long at = vector.reserve(room);
        long bytes = kind.isBinary()
                ? encoder.encodeBinary(stage.flat(), rows, vector.memory(), at)
                : encoder.encodeFixed(stage.memory(), 0, kind.cellBytes(), rows, vector.memory(), at);
        vector.advance(bytes);
        return Math.toIntExact(bytes);
    }

    private static long payloadBytes(int vectorCount, long vectorBytes) {
        return Cells.pad8((long) vectorCount * PageFormat.ENTRY_BYTES) + vectorBytes;
    }

    /** Makes a page of the vectors so far. */
    private void finishPage() {
        long end = vectors.bytes();
        int directory = Math.toIntExact(Cells.pad8((long) vectorCount * PageFormat.ENTRY_BYTES));
        assembly.truncate(0);
        assembly.reserve(directory + end);
        MemorySegment payload = assembly.memory().asSlice(0, directory + end);
        Zeros.fill(payload, 0, directory);
        for (int i = 0; i < vectorCount; i++) {
            long entry = (long) i * PageFormat.ENTRY_BYTES;
            PageFormat.writeEntry(payload, entry, directory + offsets[i], byteCounts[i], nullCounts[i], validities[i]);
        }
        MemorySegment.copy(vectors.memory(), 0, payload, directory, end);
        int slotBytes = pages.add(payload, codec, vectorCount, pageRows, firstRow);
        long entry = entries.bytes();
        FooterFormat.putPage(entries, firstRow, pageRows, slotBytes, Math.toIntExact(payload.byteSize()));
        pageZone.writeTo(entries);
        PageDictionary.Trainer waiting = held;
        if (waiting != null) {
            waiting.add(payload, vectorCount, pageRows, firstRow, entry);
            if (waiting.isFull()) {
                decideOnDictionary(waiting, true);
            }
        }
        firstRow += pageRows;
        pageRows = 0;
        vectorCount = 0;
        pageZone.clear();
        vectors.truncate(0);
    }

    private void decideOnDictionary(PageDictionary.Trainer waiting, boolean isMoreToCome) {
        PageStore smaller = waiting.compressedBy(codec, pages, entries, isMoreToCome);
        if (smaller != null) {
            pages.close();
            pages = smaller;
        }
        waiting.close();
        held = null;
    }

    /** {@inheritDoc} Nothing may be appended after it: all memory but that of the pages is given back. */
    @Override
    void finish() {
        if (isFinished) { // It was written before others were.
            return;
        }
        if (stage.rowCount() > 0) {
            encodeVector();
        }
        if (vectorCount > 0) {
            finishPage();
        }
        isFinished = true;
        stage.close();
        vectors.close();
        PageDictionary.Trainer waiting = held;
        if (waiting != null) {
            decideOnDictionary(waiting, false);
        }
        byte[] trained = codec.dictionary();
        if (trained != null) {
            var entry = new SectionEntry(SectionKind.DICTIONARY, 0, 0, spec.id(), spec.name());
            CFileWriter.RawSection section = new CFileWriter.RawSection(entry, CFileWriter.NO_COMPRESSION, account);
            dictionary = section;
            section.add(MemorySegment.ofArray(trained));
        }
    }

    @Override
    CFileWriter.@Nullable Part dictionary() {
        return dictionary;
    }

    /** {@inheritDoc} The vector that is being collected counts as it is. */
    @Override
    long estimatedBytes() {
        return pages.bytes() + vectors.bytes() + stage.rawBytes();
    }

    @Override
    long bytes() {
        return pages.bytes();
    }

    @Override
    int pageCount() {
        return pages.pageCount();
    }

    @Override
    boolean writeSome(FileOutput output, Identity identity) {
        return pages.writeSome(output, identity, spec.id());
    }

    @Override
    void putEntries(ByteSink footer) {
        footer.put(entries.memory(), 0, entries.bytes());
    }

    @Override
    void close() {
        if (!isFinished) {
            stage.close();
            vectors.close();
        }
        pages.close();
        PageDictionary.Trainer waiting = held;
        if (waiting != null) {
            waiting.close();
        }
        CFileWriter.Part section = dictionary;
        if (section != null) {
            section.close();
        }
        entries.close();
    }
}
