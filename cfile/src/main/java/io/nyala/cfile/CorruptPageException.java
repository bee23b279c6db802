package io.nyala.cfile;

import java.nio.file.Path;

/**
 * A file does not hold what was written to it: a bit flipped, it was cut, or another file has its name. Nothing that
 * was read from the damaged place was handed out. The caller sets aside what needs it and goes on with the rest.
 * Immutable.
 */
public final class CorruptPageException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String file;
    private final long offset;

    public CorruptPageException(Path file, long offset, String what) {
        super(message(file, offset, what));
        this.file = file.toString();
        this.offset = offset;
    }

    public CorruptPageException(Path file, long offset, String what, Throwable cause) {
        super(message(file, offset, what), cause);
        this.file = file.toString();
        this.offset = offset;
    }

    private static String message(Path file, long offset, String what) {
        return "corrupt page in " + file + " at byte " + Cells.number(offset) + ": " + what
                + ". What needs this page cannot be read, the rest of the file can; run `nyala verify " + file + "`";
    }

    /** The damaged file. */
    public Path file() {
        return Path.of(file);
    }

    /** Where the damaged part of the file begins. */
    public long offset() {
        return offset;
    }
}
