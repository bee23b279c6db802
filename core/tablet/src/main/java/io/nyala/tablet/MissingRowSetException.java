package io.nyala.tablet;

import java.nio.file.Path;

/**
 * A read or a write may concern rows in a file that cannot be read. It was refused, and nothing of it took effect; all
 * other rows can be read and written. Immutable.
 */
public final class MissingRowSetException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String file;
    private final long offset;

    MissingRowSetException(long tabletId, MissingRowSet rowSet) {
        super(
                "the keys " + rowSet.keys() + " of tablet " + tabletId + " can neither be read nor written, because the"
                        + " file of their rows is set aside: "
                        + sentence(rowSet.cause())
                        + " All other keys can. `nyala verify " + rowSet.file() + "` says what is damaged; put the file"
                        + " back from a copy and open the engine again, or scan without its rows by allowPartial()",
                rowSet.cause());
        this.file = rowSet.file().toString();
        this.offset = rowSet.offset();
    }

    /** Messages end in a full stop where they tell what to do. */
    private static String sentence(RuntimeException cause) {
        String message = String.valueOf(cause.getMessage());
        return message.endsWith(".") ? message : message + ".";
    }

    /** The file that cannot be read. */
    public Path file() {
        return Path.of(file);
    }

    /** Where in it the damage begins, as far as that is known; 0 for the whole file. */
    public long offset() {
        return offset;
    }
}
