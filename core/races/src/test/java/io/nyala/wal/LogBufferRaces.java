package io.nyala.wal;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.nyala.io.Disk;
import io.nyala.io.Disks;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** What {@link LogBuffer} promises where appenders meet each other and the log's agent; run by {@code RacesTest}. */
public final class LogBufferRaces {
    private static final Disk DISK = Disks.named("channel");
    private static final Path DIRECTORY = Path.of("log");
    private static final long SEGMENT_BYTES = 32 << 10;
    private static final int RING_BYTES = 8 << 10;

    private LogBufferRaces() {}

    /** In which there is a START, record 1, already. */
    private static LogBuffer newBuffer() {
        return newBuffer(MemorySegment.ofArray(new byte[RING_BYTES]));
    }

    private static LogBuffer newBuffer(MemorySegment memory) {
        var context = new RecordContext(7, 1, 1);
        var end = new LogEnd(0, 0, 0, 0, 1);
        var header = new SegmentHeader(7, 1, 1, 1, SEGMENT_BYTES);
        var files = new SegmentFiles(DISK, DIRECTORY, 0);
        var streams = new StreamIndex(RecordStreams.ONE, SEGMENT_BYTES);
        var point = new StartPoint(end, 0, header, files, List.of(), streams, StreamNeeds.UNKNOWN);
        return new LogBuffer(memory, new LogProgress(0), context, newSegment(1), point);
    }

    private static Segment newSegment(long number) {
        return new Segment(number, DIRECTORY, SEGMENT_BYTES, null);
    }

    private static int append(LogBuffer buffer, long payload) {
        long offset = buffer.reserve(Long.BYTES);
        buffer.memory().set(JAVA_LONG_UNALIGNED, offset, payload);
        return (int) buffer.publish(Long.BYTES, true);
    }

    /** Records of the first group that are whole, and follow each other. */
    private static int recordCount(LogBuffer buffer) {
        WriteGroup group = buffer.group(0);
        long at = buffer.offset(group);
        var view = new RecordView();
        int count = 0;
        while (at < group.bytes
                && view.parse(buffer.memory(), at, group.bytes) == null
                && view.sequence() == count + 1) {
            count++;
            at += view.recordBytes();
        }
        return count;
    }

    /** Appenders have the log one after the other. */
    @JCStressTest
    @State
    @Outcome(id = "2, 3, 3", expect = ACCEPTABLE, desc = "the first came first")
    @Outcome(id = "3, 2, 3", expect = ACCEPTABLE, desc = "the second came first")
    @Outcome(expect = FORBIDDEN, desc = "both were there at once")
    public static class AppendingBesideAnother {
        private final LogBuffer buffer = newBuffer();

        @Actor
        public void first(III_Result result) {
            result.r1 = append(buffer, 1);
        }

        @Actor
        public void second(III_Result result) {
            result.r2 = append(buffer, 2);
        }

        @Arbiter
        public void end(III_Result result) {
            result.r3 = buffer.tryClose() ? recordCount(buffer) : 0;
        }
    }

    /** The agent does not wait for an appender, but then it is woken. */
    @JCStressTest
    @State
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "the agent found the lock free")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "the same at its second look, and it is woken in vain")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "the agent was turned away, and is woken")
    @Outcome(id = "0, 0", expect = FORBIDDEN, desc = "the agent sleeps, and nobody will wake it")
    public static class ClosingBesideAnAppend {
        /** Of all states: nobody reads it, and so there are more of them. */
        private static final MemorySegment MEMORY = MemorySegment.ofArray(new byte[RING_BYTES]);

        private final LogBuffer buffer = newBuffer(MEMORY);
        private volatile boolean isWoken;

        public ClosingBesideAnAppend() {
            buffer.onFree(() -> isWoken = true);
        }

        @Actor
        public void agent(II_Result result) {
            result.r1 = buffer.tryClose() ? 1 : 0;
        }

        @Actor
        public void appender() {
            if (buffer.reserve(Long.BYTES) != 0) {
                buffer.abandon();
            }
        }

        @Arbiter
        public void end(II_Result result) {
            result.r2 = isWoken ? 1 : 0;
        }
    }

    /** What the agent is handed without the lock is whole. */
    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "nothing is handed over yet")
    @Outcome(id = "2, 2", expect = ACCEPTABLE, desc = "the group ends with the ROLL, record 2, and has both records")
    @Outcome(expect = FORBIDDEN, desc = "a group that is not complete")
    public static class HandingOver {
        private final LogBuffer buffer = newBuffer();

        public HandingOver() {
            buffer.giveNext(newSegment(2));
        }

        @Actor
        public void appender() {
            buffer.roll();
        }

        @Actor
        public void agent(II_Result result) {
            if (buffer.closedCount() > 0) {
                result.r1 = (int) buffer.group(0).lastSequence;
                result.r2 = recordCount(buffer);
            }
        }
    }
}
