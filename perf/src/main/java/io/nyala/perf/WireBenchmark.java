package io.nyala.perf;

import com.google.protobuf.ByteString;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.tserver.Tserver.RowFormatFlags;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import io.nyala.wire.ResultBlock;
import io.nyala.wire.RowOperationsReader;
import io.nyala.wire.WireSchema;
import io.nyala.wire.WriteRequestReader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Rows between the engine's memory and Kudu's wire format, of four columns: INT64, DOUBLE, INT64 with some NULL, and a
 * text of 21 bytes. Results of a scan laid out row-wise and columnar, beside a copy of as many bytes; and the rows of a
 * Write put into a batch. A score is nanoseconds per row; no row may cost anything on the heap.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(WireBenchmark.ROWS)
@Fork(value = 1, jvmArgsAppend = "-Dnyala.kernels=vector")
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
public class WireBenchmark {
    /** Of one batch, and of one request. */
    static final int ROWS = 1_000;

    private static final byte[] TEXT = "a text of some length".getBytes(StandardCharsets.UTF_8);
    private static final int NULL_STEP = 16;
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.of("amount", ColumnType.DOUBLE),
            Column.of("count", ColumnType.INT64).nullable(),
            Column.of("text", ColumnType.STRING));

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 64 << 20);
    private final MemoryAccount account = budget.account("benchmark", 0);
    private final ColumnBatch results = new ColumnBatch(SCHEMA.columns(), false, account);
    private final ResultBlock rowwise = ResultBlock.of(SCHEMA.columns(), RowFormatFlags.NO_FLAGS_VALUE, account);
    private final ResultBlock columnar =
            ResultBlock.of(SCHEMA.columns(), RowFormatFlags.COLUMNAR_LAYOUT_VALUE, account);
    private final OperationBatch operations = new OperationBatch(new RowLayout(SCHEMA), account);
    private final WriteRequestReader request = new WriteRequestReader();
    private final RowOperationsReader rows = new RowOperationsReader();
    private final MemorySegment write = request();
    private final MemorySegment copied = Arena.ofAuto().allocate(write.byteSize());

    @Setup(Level.Trial)
    public void fill() {
        MemorySegment text = MemorySegment.ofArray(TEXT);
        results.clear();
        for (int i = 0; i < ROWS; i++) {
            results.column(0).setLong(i, i);
            results.column(1).setDouble(i, i / 4.0);
            ColumnVector count = results.column(2);
            if (i % NULL_STEP == 0) {
                count.setNull(i);
            } else {
                count.setLong(i, -i);
            }
            results.column(3).setBytes(i, text, 0, TEXT.length);
        }
        results.rowCount(ROWS);
    }

    /** As a client sends it. */
    private static MemorySegment request() {
        ByteBuffer rows = ByteBuffer.allocate(ROWS * 64).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer texts = ByteBuffer.allocate(ROWS * TEXT.length);
        for (int i = 0; i < ROWS; i++) {
            boolean isNull = i % NULL_STEP == 0;
            rows.put((byte) RowOperationsPB.Type.INSERT_VALUE)
                    .put((byte) 0b1111)
                    .put((byte) (isNull ? 0b100 : 0));
            rows.putLong(i).putDouble(i / 4.0);
            if (!isNull) {
                rows.putLong(-i);
            }
            rows.putLong(texts.position()).putLong(TEXT.length);
            texts.put(TEXT);
        }
        SchemaPB.Builder view = SchemaPB.newBuilder();
        for (Column column : SCHEMA.columns()) {
            view.addColumns(WireSchema.toProto(column).toBuilder().clearId());
        }
        WriteRequestPB message = WriteRequestPB.newBuilder()
                .setTabletId(ByteString.copyFromUtf8("0123456789abcdef0123456789abcdef"))
                .setSchema(view)
                .setRowOperations(RowOperationsPB.newBuilder()
                        .setRows(ByteString.copyFrom(rows.flip()))
                        .setIndirectData(ByteString.copyFrom(texts.flip())))
                .build();
        return Arena.ofAuto().allocateFrom(ValueLayout.JAVA_BYTE, message.toByteArray());
    }

    @Benchmark
    public long layOutRowwise() {
        return layOut(rowwise);
    }

    @Benchmark
    public long layOutColumnar() {
        return layOut(columnar);
    }

    private long layOut(ResultBlock block) {
        block.clear();
        block.add(results);
        return block.bytes();
    }

    @Benchmark
    public long decodeWrite() {
        request.read(write, 0, write.byteSize());
        rows.start(request, SCHEMA);
        operations.clear();
        rows.fill(operations);
        return operations.operationCount();
    }

    /** The bytes of the write, as they are. */
    @Benchmark
    public MemorySegment copyWrite() {
        return copied.copyFrom(write);
    }

    @TearDown(Level.Trial)
    public void close() {
        operations.close();
        rowwise.close();
        columnar.close();
        results.close();
        account.close();
        budget.close();
    }
}
