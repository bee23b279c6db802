package io.nyala.columns;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorLoader;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.compression.CompressionUtil.CodecType;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.ipc.ArrowFileReader;
import org.apache.arrow.vector.ipc.ArrowFileWriter;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.ipc.message.IpcOption;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * A sample as a column of an Arrow IPC file, each buffer an LZ4 frame, written and read by Arrow's Java library with
 * our {@link Lz4FrameCodec}, one thread. What has been read is flat in memory, as what our cursors decode.
 *
 * <p>Needs {@code --add-opens java.base/java.nio=ALL-UNNAMED}, which {@code perf/run schemes} gives. Owns the file and
 * the memory.
 */
final class ArrowColumn implements AutoCloseable {
    /** Of a record batch: what writers of Arrow's files make unless told otherwise. */
    private static final int BATCH_ROWS = 64 << 10;

    private final ColumnSample sample;
    private final Path file;
    private final BufferAllocator allocator = new RootAllocator();
    private final Schema schema;
    private final List<ArrowRecordBatch> batches = new ArrayList<>();
    private long bytes;

    ArrowColumn(ColumnSample sample) throws IOException {
        this.sample = sample;
        this.file = Files.createTempFile("column", ".arrow");
        ArrowType type = sample.isBinary()
                ? ArrowType.Utf8.INSTANCE
                : sample.isDouble()
                        ? new ArrowType.FloatingPoint(FloatingPointPrecision.DOUBLE)
                        : new ArrowType.Int(sample.cellBytes() * Byte.SIZE, true);
        this.schema = new Schema(List.of(new Field("v", FieldType.notNullable(type), List.of())));
        for (int first = 0; first < sample.rows(); first += BATCH_ROWS) {
            batches.add(batch(first, Math.min(BATCH_ROWS, sample.rows() - first)));
        }
        write();
        check();
    }

    /** Rows of the sample, not compressed, in memory of Arrow. */
    private ArrowRecordBatch batch(int first, int rows) {
        List<ArrowBuf> buffers = new ArrayList<>();
        buffers.add(allocator.getEmpty()); // No validity: there are no nulls.
        if (sample.isBinary()) {
            ArrowBuf offsets = allocator.buffer((rows + 1L) * Integer.BYTES);
            for (int i = 0; i <= rows; i++) {
                offsets.writeInt(sample.offset(first + i) - sample.offset(first));
            }
            buffers.add(offsets);
        }
        MemorySegment source = sample.bytes(first, rows);
        ArrowBuf values = allocator.buffer(source.byteSize());
        Lz4FrameCodec.segment(values, source.byteSize()).copyFrom(source);
        values.writerIndex(source.byteSize());
        buffers.add(values);
        var batch = new ArrowRecordBatch(rows, List.of(new ArrowFieldNode(rows, 0)), buffers);
        buffers.forEach(ArrowBuf::close); // The batch has them now.
        return batch;
    }

    /** Writes the file; answers its bytes. */
    long write() {
        try (FileChannel channel =
                        FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
                VectorSchemaRoot root = VectorSchemaRoot.create(schema, allocator);
                var writer = new ArrowFileWriter(
                        root,
                        new DictionaryProvider.MapDictionaryProvider(),
                        channel,
                        Map.of(),
                        IpcOption.DEFAULT,
                        Lz4FrameCodec.FACTORY,
                        CodecType.LZ4_FRAME)) {
            var loader = new VectorLoader(root);
            for (ArrowRecordBatch batch : batches) {
                loader.load(batch);
                writer.writeBatch();
            }
            writer.end();
            bytes = writer.getRecordBlocks().stream()
                    .mapToLong(block -> block.getMetadataLength() + block.getBodyLength())
                    .sum();
            return writer.bytesWritten();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** Reads the file; answers the bytes of its values. */
    long read() {
        long total = 0;
        try (ArrowFileReader reader = open()) {
            FieldVector vector = reader.getVectorSchemaRoot().getVector(0);
            while (reader.loadNextBatch()) {
                total += vector.getBufferSize();
            }
            return total;
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private ArrowFileReader open() throws IOException {
        return new ArrowFileReader(FileChannel.open(file), allocator, Lz4FrameCodec.FACTORY);
    }

    /** Reads the file once more, and compares each value with the sample. */
    private void check() throws IOException {
        int first = 0;
        try (ArrowFileReader reader = open()) {
            FieldVector vector = reader.getVectorSchemaRoot().getVector(0);
            while (reader.loadNextBatch()) {
                int rows = vector.getValueCount();
                MemorySegment expected = sample.bytes(first, rows);
                if (Lz4FrameCodec.segment(vector.getDataBuffer(), expected.byteSize())
                                .mismatch(expected)
                        >= 0) {
                    throw different("values", first, rows);
                }
                for (int i = 0; sample.isBinary() && i <= rows; i++) {
                    int offset = vector.getOffsetBuffer().getInt((long) i * Integer.BYTES);
                    if (offset != sample.offset(first + i) - sample.offset(first)) {
                        throw different("offsets", first + i, 1);
                    }
                }
                first += rows;
            }
        }
        if (first != sample.rows()) {
            throw new IllegalStateException(file + " has " + first + " rows, not " + sample.rows());
        }
    }

    private IllegalStateException different(String what, int first, int rows) {
        return new IllegalStateException(
                file + ": " + what + " of " + rows + " rows from " + first + " on are not those of " + sample.name());
    }

    private UncheckedIOException failed(IOException cause) {
        return new UncheckedIOException(file + ": " + cause.getMessage(), cause);
    }

    /** Of the record batches in the file, their headers and padding included. */
    long bytes() {
        return bytes;
    }

    @Override
    public void close() throws IOException {
        batches.forEach(ArrowRecordBatch::close);
        allocator.close(); // Fails if something was not given back.
        Files.delete(file);
    }
}
