package io.nyala.hexdump;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.Notes;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Script;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.SplittableRandom;
import net.openhft.chronicle.core.analytics.AnalyticsFacade;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a dump shows every byte once, beside what the format says of it, and hides nothing.
 * Method: golden script of small annotated pieces; random notes over random bytes, whose ranges must tile the segment.
 */
final class HexDumpTest {
    @Test
    void rendersAsTheScriptShows() {
        Script.check("hexdump/notes", HexDumpTest::render);
    }

    @RepeatedTest(32)
    void tilesTheWholeSegment(@Seed SplittableRandom random) {
        byte[] bytes = new byte[random.nextInt(1, 400)];
        random.nextBytes(bytes);
        HexDump dump = new HexDump(MemorySegment.ofArray(bytes));
        for (int at = 0; at < bytes.length; ) {
            int length = Math.min(random.nextInt(1, 60), bytes.length - at);
            if (random.nextBoolean()) {
                dump.note(at, length, "field");
            }
            at += length;
        }
        long end = 0;
        for (String line : dump.text().lines().toList()) {
            String[] range = line.substring(0, line.indexOf(' ')).split("-", 2);
            assertEquals(end, Long.parseLong(range[0]), line);
            end = Long.parseLong(range[1]);
            String hex = line.substring(line.indexOf(' '), line.indexOf('#')).strip();
            byte[] shown = HexFormat.of().parseHex(hex);
            int start = Integer.parseInt(range[0]);
            assertEquals(hex, HexFormat.of().formatHex(bytes, start, start + shown.length), line);
        }
        assertEquals(bytes.length, end);
    }

    @Test
    void countsFromTheOffsetOfAPart() {
        HexDump dump = new HexDump(MemorySegment.ofArray(new byte[2]), 1 << 20);
        dump.note(0, 2, "here");
        assertTrue(dump.text().startsWith("1048576-1048578  0000  # here"), dump.text());
    }

    @Test
    void pinsTheBytesThatItElides() {
        byte[] bytes = new byte[100];
        String before = HexDump.text(MemorySegment.ofArray(bytes), notes -> notes.note(0, 100, "page"));
        bytes[99] = 1;
        String after = HexDump.text(MemorySegment.ofArray(bytes), notes -> notes.note(0, 100, "page"));
        assertTrue(before.contains("100 bytes, all zero"), before);
        assertTrue(after.contains("16 of 100 bytes shown, crc32c "), after);
    }

    @Test
    void refusesNotesThatOverlap() {
        HexDump dump = new HexDump(MemorySegment.ofArray(new byte[8]));
        dump.note(0, 4, "first");
        dump.note(3, 2, "second");
        Failure.expect(IllegalStateException.class, dump::text, "\"second\" at 3", "up to 4");
    }

    @Test
    void refusesNotesOutsideTheSegment() {
        HexDump dump = new HexDump(MemorySegment.ofArray(new byte[8]));
        Failure.expect(IllegalArgumentException.class, () -> dump.note(5, 4, "crc"), "\"crc\" covers 5-9", "8 bytes");
        assertThrows(IllegalArgumentException.class, () -> dump.note(-1, 1, "before"));
    }

    @Test
    void refusesAnEndWithoutASection() {
        assertThrows(IllegalStateException.class, new HexDump(MemorySegment.NULL)::endSection);
    }

    @Test
    void nothingReportsUsageOverTheNetwork() {
        assertFalse(AnalyticsFacade.isEnabled(), "Chronicle's analytics are on the class path");
        assertThrows(ClassNotFoundException.class, () -> Class.forName("net.openhft.chronicle.analytics.Analytics"));
    }

    /** Lines: the bytes, then {@code note OFFSET BYTES TEXT}, {@code section TITLE} or {@code end}. */
    private static String render(String command) {
        String[] lines = command.lines().toArray(String[]::new);
        MemorySegment segment = MemorySegment.ofArray(bytes(lines[0].substring("dump ".length())));
        return HexDump.text(segment, notes -> {
            for (int i = 1; i < lines.length; i++) {
                annotate(lines[i], notes);
            }
        });
    }

    private static byte[] bytes(String text) {
        if (text.startsWith("zero ")) {
            return new byte[Integer.parseInt(text.substring("zero ".length()))];
        }
        return text.startsWith("text ")
                ? text.substring("text ".length()).getBytes(UTF_8)
                : HexFormat.of().parseHex(text.replace(" ", ""));
    }

    private static void annotate(String line, Notes notes) {
        String[] words = line.split(" ", 4);
        switch (words[0]) {
            case "note" -> notes.note(Long.parseLong(words[1]), Integer.parseInt(words[2]), words[3]);
            case "section" -> notes.section(line.substring("section ".length()));
            case "end" -> notes.endSection();
            default -> throw new IllegalArgumentException(line);
        }
    }
}
