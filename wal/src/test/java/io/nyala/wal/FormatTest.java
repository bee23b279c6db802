package io.nyala.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.hexdump.HexDump;
import io.nyala.memory.Notes;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Script;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Goal: the bytes on disk are those that the Javadoc of the formats promises, and stay so.
 * Method: golden scripts of headers, records and of a whole small log.
 */
final class FormatTest {
    @Test
    void segmentsAndRecordsAreAsTheyWere() {
        Script.check("wal/format", FormatTest::run);
    }

    @Test
    void aLogIsAsItWas() {
        Script.check("wal/log", FormatTest::runLog);
    }

    /** For the dump tool: nothing of what is left is hidden. */
    @Test
    void whatIsLeftOfACutSegmentIsExplained() {
        SimulatedDisk disk = TestLog.newDisk(new SplittableRandom(1));
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            log.append("a record", Durability.SYNC);
        }
        byte[] segment = disk.contents(TestLog.DIRECTORY.resolve("000000000001.sealed"));
        for (int bytes = Long.BYTES; bytes <= segment.length; bytes += 97) {
            MemorySegment left = TestLog.segmentOf(Arrays.copyOf(segment, bytes));
            assertTrue(SegmentFormat.isSegment(left));
            assertEquals(bytes < SegmentFormat.HEADER_BYTES ? -1 : segment.length, SegmentFormat.segmentBytes(left));
            long[] end = new long[1];
            SegmentFormat.annotate(left, new Notes() {
                @Override
                public void note(long offset, int noted, String text) {
                    assertEquals(end[0], offset, text);
                    end[0] += noted;
                }

                @Override
                public void section(String title) {}

                @Override
                public void endSection() {}
            });
            assertEquals(bytes, end[0]);
        }
    }

    private static String run(String command) {
        String[] words = command.split(" ", -1);
        MemorySegment memory = Arena.ofAuto().allocate(8192);
        return switch (words[0]) {
            case "header" -> {
                SegmentFormat.write(
                        memory,
                        0,
                        new SegmentHeader(
                                0x1234, Integer.parseInt(words[1]), 0x5678, Long.parseLong(words[2]), 67108864));
                yield HexDump.text(
                        memory.asSlice(0, 4096), notes -> SegmentFormat.annotate(memory.asSlice(0, 4096), notes));
            }
            case "record" -> {
                byte[] payload = words[2].getBytes(StandardCharsets.US_ASCII);
                MemorySegment.copy(payload, 0, memory, JAVA_BYTE, RecordFormat.HEADER_BYTES, payload.length);
                yield record(memory, RecordKind.DATA, Long.parseLong(words[1]), payload.length);
            }
            case "start" -> {
                memory.set(SegmentFormat.LONG, RecordFormat.OLDEST_SEGMENT_AT, 3);
                memory.set(SegmentFormat.LONG, RecordFormat.CONTINUES_AFTER_AT, 17);
                memory.set(SegmentFormat.LONG, RecordFormat.PREVIOUS_END_AT, 12288);
                memory.set(SegmentFormat.LONG, RecordFormat.entryAt(0, 0), 7);
                yield record(memory, RecordKind.START, Long.parseLong(words[1]), RecordFormat.START_PAYLOAD_BYTES);
            }
            case "mark", "roll", "seal" -> {
                memory.set(SegmentFormat.LONG, RecordFormat.OLDEST_SEGMENT_AT, 3);
                RecordKind kind = RecordKind.valueOf(words[0].toUpperCase(java.util.Locale.ROOT));
                yield record(memory, kind, Long.parseLong(words[1]), RecordFormat.MARK_PAYLOAD_BYTES);
            }
            default -> throw new IllegalArgumentException(command);
        };
    }

    private static String record(MemorySegment memory, RecordKind kind, long sequence, int payloadBytes) {
        RecordContext context = new RecordContext(0x1234, 1, 0x5678);
        context.sequence = sequence;
        context.durableUpTo = sequence - 1;
        context.previousCrc = 0x0102_0304;
        RecordFormat.seal(memory, 0, kind, payloadBytes, context);
        MemorySegment bytes = memory.asSlice(0, RecordFormat.recordBytes(payloadBytes));
        return HexDump.text(bytes, notes -> RecordFormat.annotate(bytes, 0, notes));
    }

    /** A log in which the words of the command are appended one after the other; "|" rolls. Dumps each segment. */
    private static String runLog(String command) {
        SimulatedDisk disk = TestLog.newDisk(new SplittableRandom(1));
        try (TestLog log = TestLog.start(disk, TestLog.config())) {
            log.settle();
            for (String word : command.split(" ", -1)) {
                if (word.equals("|")) {
                    log.log().roll();
                } else {
                    log.append(word, Durability.SYNC);
                }
            }
        }
        StringBuilder text = new StringBuilder();
        for (Path path : disk.list(TestLog.DIRECTORY)) {
            if (path.toString().matches(".*(wal|sealed)")) {
                MemorySegment segment = TestLog.segmentOf(disk.contents(path));
                text.append("file ").append(path.getFileName()).append('\n');
                text.append(HexDump.text(segment, notes -> SegmentFormat.annotate(segment, notes)));
            }
        }
        return text.toString();
    }
}
