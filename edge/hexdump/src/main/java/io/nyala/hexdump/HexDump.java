package io.nyala.hexdump;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import net.openhft.chronicle.bytes.HexDumpBytes;

/**
 * Renders bytes and the notes that a format makes about them, a line a field, through Chronicle Bytes' annotated dump:
 *
 * <pre>{@code
 *                           # header
 * 0-4     03000000          #   count: 3
 * 4-8     00000000          #   (no note)
 *                           # body
 * 8-4096  0102030405060708  #   values; 8 of 4,088 bytes shown, crc32c 1f2e3d4c
 * }</pre>
 *
 * <ul>
 *   <li>The first column is the half-open range of offsets.
 *   <li>A field longer than two lines shows its first line and the checksum of the whole, or that it is all zero: a
 *       golden test pins every byte and still can be read.
 *   <li>Bytes that no note covers are shown as {@code (no note)}, so nothing is hidden and a format that forgets a
 *       field is seen.
 * </ul>
 *
 * Collects by {@link Notes}, then {@link #text()} once or more. One thread; reads the segment and owns nothing.
 */
public final class HexDump implements Notes {
    /** Bytes a line; a 64-bit word is the widest field that most formats have. */
    private static final int LINE_BYTES = 16;

    /** Fields up to this are shown whole. */
    private static final int WHOLE_BYTES_MAX = 2 * LINE_BYTES;

    private static final long CRC_BYTES = 1 << 20;

    /** Line of Chronicle Bytes: the bytes apart by blanks, our note. */
    private static final Pattern LINE = Pattern.compile(" *((?:[0-9a-f]{2} +)*)# ?(.*)");

    private static final Logger CHRONICLE = Logger.getLogger("net.openhft");

    static {
        CHRONICLE.setLevel(Level.WARNING); // It greets on standard error otherwise.
    }

    private final MemorySegment segment;
    private final long firstOffset;
    private final List<Entry> entries = new ArrayList<>();
    private int depth;

    /** To annotate a segment that is all there is. */
    public HexDump(MemorySegment segment) {
        this(segment, 0);
    }

    /**
     * To annotate a part of something larger.
     *
     * @param firstOffset printed offset of the first byte; notes count from the segment's start all the same
     */
    public HexDump(MemorySegment segment, long firstOffset) {
        this.segment = segment;
        this.firstOffset = firstOffset;
    }

    /** The dump of a segment by the notes that {@code annotate} makes: what golden tests compare. */
    public static String text(MemorySegment segment, Consumer<Notes> annotate) {
        HexDump dump = new HexDump(segment);
        annotate.accept(dump);
        return dump.text();
    }

    @Override
    public void note(long offset, int bytes, String text) {
        if (offset < 0 || bytes < 0 || offset > segment.byteSize() - bytes) {
            throw new IllegalArgumentException("note \"%s\" covers %,d-%,d of a segment of %,d bytes"
                    .formatted(text, offset, offset + bytes, segment.byteSize()));
        }
        entries.add(new Entry(offset, bytes, indented(text)));
    }

    @Override
    public void section(String title) {
        entries.add(new Entry(0, 0, indented(title)));
        depth++;
    }

    @Override
    public void endSection() {
        if (depth == 0) {
            throw new IllegalStateException("no section is open");
        }
        depth--;
    }

    /** The dump; lines end with a line feed, and none is blank. */
    public String text() {
        List<String> labels = new ArrayList<>();
        HexDumpBytes dump = new HexDumpBytes().numberWrap(LINE_BYTES);
        try {
            for (Entry entry : withGaps()) {
                write(entry, dump, labels);
            }
            return reshape(dump.toHexString(), labels);
        } finally {
            dump.releaseLast();
        }
    }

    /**
     * The entries, and one for each range that none covers, before the entry that follows it on disk, or at the end.
     */
    private List<Entry> withGaps() {
        List<Entry> sorted = new ArrayList<>(entries);
        sorted.removeIf(entry -> entry.bytes == 0);
        sorted.sort(Comparator.comparingLong(Entry::offset));
        Map<Long, Entry> gapsByEnd = new HashMap<>();
        long covered = 0;
        for (Entry entry : sorted) {
            if (entry.offset < covered) {
                throw new IllegalStateException("note \"%s\" at %,d covers again what is covered up to %,d"
                        .formatted(entry.text.strip(), entry.offset, covered));
            }
            if (entry.offset > covered) {
                gapsByEnd.put(entry.offset, new Entry(covered, entry.offset - covered, "(no note)"));
            }
            covered = entry.offset + entry.bytes;
        }
        List<Entry> all = new ArrayList<>();
        for (Entry entry : entries) {
            Entry gap = entry.bytes == 0 ? null : gapsByEnd.get(entry.offset);
            if (gap != null) {
                all.add(gap);
            }
            all.add(entry);
        }
        if (covered < segment.byteSize()) {
            all.add(new Entry(covered, segment.byteSize() - covered, "(no note)"));
        }
        return all;
    }

    private void write(Entry entry, HexDumpBytes dump, List<String> labels) {
        if (entry.bytes > WHOLE_BYTES_MAX) {
            line(entry.offset, LINE_BYTES, entry.offset + entry.bytes, entry.text + elision(entry), dump, labels);
            return;
        }
        if (entry.bytes == 0) {
            dump.writeHexDumpDescription(entry.text);
        }
        for (long at = 0; at < entry.bytes; at += LINE_BYTES) {
            int bytes = (int) Math.min(LINE_BYTES, entry.bytes - at);
            long start = entry.offset + at;
            line(start, bytes, start + bytes, at == 0 ? entry.text : "...", dump, labels);
        }
    }

    private void line(long start, int bytes, long end, String text, HexDumpBytes dump, List<String> labels) {
        labels.add((firstOffset + start) + "-" + (firstOffset + end));
        dump.writeHexDumpDescription(text);
        dump.write(segment.asSlice(start, bytes).toArray(JAVA_BYTE));
    }

    private String elision(Entry entry) {
        MemorySegment field = segment.asSlice(entry.offset, entry.bytes);
        if (field.get(JAVA_BYTE, 0) == 0 && field.asSlice(1).mismatch(field.asSlice(0, entry.bytes - 1)) < 0) {
            return "; %,d bytes, all zero".formatted(entry.bytes);
        }
        CRC32C crc = new CRC32C();
        for (long at = 0; at < entry.bytes; at += CRC_BYTES) { // A byte buffer ends at 2 GiB.
            crc.update(field.asSlice(at, Math.min(CRC_BYTES, entry.bytes - at)).asByteBuffer());
        }
        return "; %d of %,d bytes shown, crc32c %08x".formatted(LINE_BYTES, entry.bytes, crc.getValue());
    }

    /** Puts in the labels, closes up the bytes of a field and lines up the columns. */
    private static String reshape(String dump, List<String> labels) {
        Iterator<String> label = labels.iterator();
        List<String[]> rows = new ArrayList<>();
        int labelWidth = 6;
        int hexWidth = 0;
        for (String line : (Iterable<String>) dump.lines()::iterator) {
            Matcher matcher = LINE.matcher(line);
            if (!matcher.matches()) {
                throw new IllegalStateException("Chronicle Bytes wrote a line that is none of a dump: " + line);
            }
            String hex = matcher.group(1).replace(" ", "");
            String[] row = {hex.isEmpty() ? "" : label.next(), hex, matcher.group(2)};
            rows.add(row);
            labelWidth = Math.max(labelWidth, row[0].length());
            hexWidth = Math.max(hexWidth, row[1].length());
        }
        String format = "%-" + (labelWidth + 2) + "s%-" + (hexWidth + 2) + "s# %s";
        StringBuilder text = new StringBuilder();
        for (String[] row : rows) {
            text.append(format.formatted((Object[]) row).stripTrailing()).append('\n');
        }
        return text.toString();
    }

    private String indented(String text) {
        return "  ".repeat(depth) + text.replace('\n', ' ');
    }

    /** A note, or with no bytes a title. */
    private record Entry(long offset, long bytes, String text) {}
}
