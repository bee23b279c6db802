package io.nyala.columns;

import com.github.luben.zstd.Zstd;
import io.airlift.compress.v3.lz4.Lz4Compressor;
import io.airlift.compress.v3.lz4.Lz4Decompressor;
import io.nyala.encoding.DecoderScratch;
import io.nyala.encoding.EncodedVector;
import io.nyala.encoding.EncoderScratch;
import io.nyala.encoding.EncodingHint;
import io.nyala.encoding.FlatBinary;
import io.nyala.encoding.VectorDecoder;
import io.nyala.encoding.VectorEncoder;
import io.nyala.encoding.VectorEncoding;
import io.nyala.encoding.VectorFormat;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;
import org.duckdb.DuckDBAppender;
import org.duckdb.DuckDBConnection;

/**
 * Columns of several shapes in the encoding that our writer chooses for each vector, beside LZ4 and ZSTD (level 3)
 * on the plain values, 64 KiB at a time, and Parquet with ZSTD as DuckDB writes it: how much smaller, how fast, one
 * thread.
 *
 * <pre>{@code
 * perf/run schemes [ROWS [TIMES]]
 * }</pre>
 *
 * Medians of all times, after as many that are not counted. Then files of strings with a trained dictionary, and what
 * as many rows of Kudu's load generator take.
 */
public final class SchemeFigures {
    private static final int DEFAULT_ROWS = 256 << 10;
    private static final int DEFAULT_TIMES = 9;
    private static final int BLOCK_BYTES = 64 << 10;
    private static final int ZSTD_LEVEL = 3;
    private static final long SCRATCH_BYTES = 16 << 20;

    private final int times;
    private final MemoryAccount account;

    private SchemeFigures(int times, MemoryAccount account) {
        this.times = times;
        this.account = account;
    }

    /** Values per nanosecond both ways, and the bytes between. */
    private record Figure(String name, double packed, double unpacked, long bytes) {}

    public static void main(String[] arguments) throws IOException {
        int rows = arguments.length > 0 ? Integer.parseInt(arguments[0]) : DEFAULT_ROWS;
        print(rows, arguments.length > 1 ? Integer.parseInt(arguments[1]) : DEFAULT_TIMES);
    }

    /** Prints a table. */
    static void print(int rows, int times) throws IOException {
        Path parquet = Files.createTempFile("column", ".parquet");
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), SCRATCH_BYTES);
                MemoryAccount account = budget.account("schemes", 0);
                Arena samples = Arena.ofConfined()) {
            var figures = new SchemeFigures(times, account);
            System.out.printf(
                    Locale.ROOT, "%,d values of each; M values/s one way / the other, and the ratio.%n%n", rows);
            System.out.println("| values | scheme | ours | LZ4 | ZSTD | Parquet, ZSTD |");
            System.out.println("|---|---|---|---|---|---|");
            List<ColumnSample> drawn = ColumnSample.draw(samples, rows);
            for (ColumnSample sample : drawn) {
                double plain = sample.plainBytes();
                Figure ours = figures.encode(sample);
                System.out.printf(
                        Locale.ROOT,
                        "| %s | %s | %s | %s | %s | %.2f |%n",
                        sample.name(),
                        ours.name(),
                        text(ours, plain),
                        text(figures.compress(sample, new Lz4Block()), plain),
                        text(figures.compress(sample, new ZstdBlock()), plain),
                        plain / parquetBytes(sample, parquet));
            }
            DictionaryFigures.print(drawn, times);
        } finally {
            Files.delete(parquet);
        }
        RowSizes.print(rows);
    }

    private static String text(Figure figure, double plainBytes) {
        return String.format(
                Locale.ROOT,
                "%,.0f / %,.0f, %.2f",
                figure.packed() * 1e3,
                figure.unpacked() * 1e3,
                plainBytes / figure.bytes());
    }

    /** Median nanoseconds of a pass; what it answers is what keeps it from being left out. */
    private double nanos(LongSupplier pass) {
        double[] all = new double[times];
        long expected = pass.getAsLong();
        for (int i = -times; i < times; i++) {
            long start = System.nanoTime();
            long answer = pass.getAsLong();
            long nanos = System.nanoTime() - start;
            if (answer != expected) {
                throw new IllegalStateException("a pass over the same values answers " + answer + ", not " + expected);
            }
            if (i >= 0) {
                all[i] = nanos;
            }
        }
        Arrays.sort(all);
        return all[times / 2];
    }

    private Figure encode(ColumnSample sample) {
        int vectors = (sample.rows() + VectorFormat.VALUES_MAX - 1) / VectorFormat.VALUES_MAX;
        long[] ends = new long[vectors];
        try (Arena arena = Arena.ofConfined();
                EncoderScratch encoderScratch = new EncoderScratch(account);
                DecoderScratch decoderScratch = new DecoderScratch(account)) {
            long room = sample.plainBytes() + vectors * 256L + VectorFormat.READ_PADDING_BYTES;
            MemorySegment encoded = arena.allocate(room, Long.BYTES);
            double encodeNanos = nanos(() -> encodeAll(sample, encoderScratch, encoded, ends));
            MemorySegment offsets = arena.allocate((VectorFormat.VALUES_MAX + 1) * 4L + 64, Long.BYTES);
            MemorySegment decoded = arena.allocate(1 << 20, Long.BYTES);
            EncodedVector vector = new EncodedVector(decoderScratch);
            double decodeNanos = nanos(() -> decodeAll(sample, vector, encoded, ends, offsets, decoded));
            String scheme = mostFrequent(vector, encoded, ends);
            return new Figure(scheme, sample.rows() / encodeNanos, sample.rows() / decodeNanos, ends[vectors - 1]);
        }
    }

    private static long encodeAll(ColumnSample sample, EncoderScratch scratch, MemorySegment target, long[] ends) {
        var encoder = new VectorEncoder(scratch, EncodingHint.AUTO);
        var strings = new FlatBinary();
        long at = 0;
        for (int first = 0; first < sample.rows(); first += VectorFormat.VALUES_MAX) {
            int count = sample.vectorRows(first);
            at += sample.isBinary()
                    ? encoder.encodeBinary(sample.strings(first, strings), count, target, at)
                    : encoder.encodeFixed(
                            sample.bytes(), sample.fixedOffset(first), sample.cellBytes(), count, target, at);
            ends[first / VectorFormat.VALUES_MAX] = at;
        }
        return at;
    }

    private static long decodeAll(
            ColumnSample sample,
            EncodedVector vector,
            MemorySegment encoded,
            long[] ends,
            MemorySegment offsets,
            MemorySegment decoded) {
        var strings = new FlatBinary();
        long start = 0;
        long bytes = 0;
        for (long end : ends) {
            vector.wrap(encoded, start, end - start);
            if (sample.isBinary()) {
                VectorDecoder.decodeBinary(vector, strings.wrap(offsets, 0, decoded, 0));
            } else {
                VectorDecoder.decodeFixed(vector, decoded, 0);
            }
            bytes += vector.decodedBytes();
            start = end;
        }
        return bytes;
    }

    private static String mostFrequent(EncodedVector vector, MemorySegment encoded, long[] ends) {
        Map<VectorEncoding, Integer> counts = new EnumMap<>(VectorEncoding.class);
        long start = 0;
        for (long end : ends) {
            counts.merge(vector.wrap(encoded, start, end - start).encoding(), 1, Integer::sum);
            start = end;
        }
        Map.Entry<VectorEncoding, Integer> most =
                counts.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow();
        return most.getKey() + (counts.size() == 1 ? "" : " and others");
    }

    /** A general compressor of blocks; answers bytes. */
    private interface BlockCodec {
        int compress(MemorySegment source, MemorySegment target);

        int decompress(MemorySegment source, MemorySegment target);
    }

    private static final class Lz4Block implements BlockCodec {
        private final Lz4Compressor compressor = Lz4Compressor.create();
        private final Lz4Decompressor decompressor = Lz4Decompressor.create();

        @Override
        public int compress(MemorySegment source, MemorySegment target) {
            return compressor.compress(source, target);
        }

        @Override
        public int decompress(MemorySegment source, MemorySegment target) {
            return decompressor.decompress(source, target);
        }
    }

    private static final class ZstdBlock implements BlockCodec {
        @Override
        public int compress(MemorySegment source, MemorySegment target) {
            return Math.toIntExact(Zstd.compressUnsafe(
                    target.address(), target.byteSize(), source.address(), source.byteSize(), ZSTD_LEVEL));
        }

        @Override
        public int decompress(MemorySegment source, MemorySegment target) {
            return Math.toIntExact(
                    Zstd.decompressUnsafe(target.address(), target.byteSize(), source.address(), source.byteSize()));
        }
    }

    private Figure compress(ColumnSample sample, BlockCodec codec) {
        List<MemorySegment> blocks = sample.blocks(BLOCK_BYTES);
        int room = 2 * BLOCK_BYTES;
        MemorySegment[] packed = new MemorySegment[blocks.size()];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment target = arena.allocate((long) room * blocks.size(), Long.BYTES);
            MemorySegment restored = arena.allocate(BLOCK_BYTES, Long.BYTES);
            double packNanos = nanos(() -> {
                long bytes = 0;
                for (int i = 0; i < packed.length; i++) {
                    MemorySegment slot = target.asSlice((long) i * room, room);
                    packed[i] = slot.asSlice(0, codec.compress(blocks.get(i), slot));
                    bytes += packed[i].byteSize();
                }
                return bytes;
            });
            double unpackNanos = nanos(() -> {
                long bytes = 0;
                for (MemorySegment each : packed) {
                    bytes += codec.decompress(each, restored);
                }
                return bytes;
            });
            long bytes =
                    Arrays.stream(packed).mapToLong(MemorySegment::byteSize).sum();
            return new Figure("", sample.rows() / packNanos, sample.rows() / unpackNanos, bytes);
        }
    }

    private static long parquetBytes(ColumnSample sample, Path file) {
        String type = sample.isBinary()
                ? "varchar"
                : sample.isDouble() ? "double" : sample.cellBytes() == Integer.BYTES ? "integer" : "bigint";
        try (DuckDBConnection connection = Duck.connect("")) {
            Duck.execute(connection, "create table c (v " + type + " not null)");
            try (DuckDBAppender appender = connection.createAppender("c")) {
                for (int row = 0; row < sample.rows(); row++) {
                    append(appender.beginRow(), sample, row).endRow();
                }
            }
            Duck.execute(connection, "copy c to '" + file + "' (format parquet, compression zstd)");
            try (Statement statement = connection.createStatement();
                    ResultSet bytes = statement.executeQuery(
                            "select sum(total_compressed_size) from parquet_metadata('" + file + "')")) {
                bytes.next();
                return bytes.getLong(1);
            }
        } catch (SQLException e) {
            throw Duck.failed(e);
        }
    }

    private static DuckDBAppender append(DuckDBAppender appender, ColumnSample sample, int row) throws SQLException {
        if (sample.isBinary()) {
            return appender.append(sample.text(row));
        }
        long number = sample.number(row);
        if (sample.isDouble()) {
            return appender.append(Double.longBitsToDouble(number));
        }
        return sample.cellBytes() == Integer.BYTES ? appender.append((int) number) : appender.append(number);
    }
}
