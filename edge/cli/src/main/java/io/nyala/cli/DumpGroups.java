package io.nyala.cli;

import io.nyala.hexdump.HexDump;
import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Takes the notes about a file apart at its outermost sections, and hands these out one by one, so that a large file is
 * dumped without all its text in memory. Bytes that no section covers come as a group of their own: nothing is hidden.
 *
 * <p>One thread; call {@link #end} after the last note.
 */
final class DumpGroups implements Notes {
    private final MemorySegment file;
    private final Consumer<Group> target;
    private List<Note> notes = new ArrayList<>();
    private String title = "";
    private int depth;
    private long covered;
    private long start = -1;
    private long end;

    DumpGroups(MemorySegment file, Consumer<Group> target) {
        this.file = file;
        this.target = target;
    }

    /** A field; with no bytes the beginning of a section, or with {@link #END} as text its end. */
    private record Note(long offset, int bytes, String text) {}

    private static final String END = "";

    /** An outermost section of a file, or what lies between two. */
    static final class Group {
        private final MemorySegment file;
        private final List<Note> notes;
        private final String title;
        private final long start;
        private final long end;

        private Group(MemorySegment file, List<Note> notes, String title, long start, long end) {
            this.file = file;
            this.notes = notes;
            this.title = title;
            this.start = start;
            this.end = end;
        }

        String title() {
            return title;
        }

        long start() {
            return start;
        }

        long end() {
            return end;
        }

        int fieldCount() {
            return (int) notes.stream().filter(note -> note.bytes > 0).count();
        }

        /** Annotated hexadecimal bytes. */
        String text() {
            HexDump dump = new HexDump(file.asSlice(start, end - start), start);
            for (Note note : notes) {
                if (note.bytes > 0) {
                    dump.note(note.offset - start, note.bytes, note.text);
                } else if (note.text.equals(END)) {
                    dump.endSection();
                } else {
                    dump.section(note.text);
                }
            }
            return dump.text();
        }
    }

    @Override
    public void note(long offset, int bytes, String text) {
        if (bytes > 0) {
            start = start < 0 ? offset : Math.min(start, offset);
            end = Math.max(end, offset + bytes);
            notes.add(new Note(offset, bytes, text));
        }
        if (depth == 0) {
            title = text;
            flush();
        }
    }

    @Override
    public void section(String newTitle) {
        if (depth == 0) {
            title = newTitle;
        }
        depth++;
        notes.add(new Note(0, 0, newTitle));
    }

    @Override
    public void endSection() {
        depth--;
        notes.add(new Note(0, 0, END));
        if (depth == 0) {
            flush();
        }
    }

    /** Hands out what no note covers at the end of the file. */
    void end() {
        gapUpTo(file.byteSize());
    }

    private void flush() {
        if (start >= 0) {
            gapUpTo(start);
            target.accept(new Group(file, notes, title, start, end));
            covered = Math.max(covered, end);
        }
        notes = new ArrayList<>();
        start = -1;
        end = 0;
    }

    private void gapUpTo(long position) {
        if (position > covered) {
            target.accept(new Group(file, List.of(), "(no note)", covered, position));
            covered = position;
        }
    }
}
