package io.nyala.cfile;

import java.nio.file.Path;

/**
 * A file was written in a version of the format that this build does not read. Nothing is wrong with it. Immutable.
 */
public final class UnsupportedFormatException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public UnsupportedFormatException(Path file, int found, int supported) {
        this(file, found, "version " + supported);
    }

    UnsupportedFormatException(Path file, int found, int least, int most) {
        this(file, found, "versions " + least + " to " + most);
    }

    private UnsupportedFormatException(Path file, int found, String supported) {
        super(file + " is of format version " + found + ", this build reads " + supported
                + "; use the release that wrote it, or export and import its rows with it");
    }
}
