package io.nyala.wal;

import java.nio.file.Path;

/** A log is of a version of the format that this program does not read. Nothing is wrong with it. Immutable. */
public final class UnsupportedLogException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnsupportedLogException(Path file, int version) {
        super(file + " is of log format version " + version + ", this program reads version 1 to version "
                + SegmentFormat.VERSION
                + "; use the release that wrote it; nothing was changed");
    }
}
