package io.nyala.wal;

import java.nio.file.Path;

/**
 * A log that lacks something it had acknowledged, or whose files are not its own. Nothing of it should be trusted
 * unseen.
 */
public final class CorruptLogException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String file;
    private final long offset;

    CorruptLogException(Path file, long offset, String what) {
        super(String.format(
                "corrupt log: %s at byte %,d: %s. Restore the file from a copy, or run `nyala dump %s` to see what is"
                        + " left; nothing was changed",
                file, offset, what, file));
        this.file = file.toString();
        this.offset = offset;
    }

    public Path file() {
        return Path.of(file);
    }

    /** Byte in the file where the damage was noticed. */
    public long offset() {
        return offset;
    }
}
