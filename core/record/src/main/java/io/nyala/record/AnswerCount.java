package io.nyala.record;

import io.nyala.memory.Check;
import org.jspecify.annotations.Nullable;

/**
 * Numbers that belong to an answer beside its refused operations. They stand behind those, each in the form of one: the
 * number in the place of the operation's index, and the code here in that of the error's. A number that is 0 is left
 * out.
 *
 * <p>All but the first count operations that were not refused, each of them once; so an answer without {@link
 * #OPERATIONS} never has more entries than its batch has operations.
 */
public enum AnswerCount {
    /** How many operations of a request the answer is of, if it is not of all that were left. */
    OPERATIONS(256),
    /** Inserts of an {@code _IGNORE} kind whose rows were there. */
    INSERTS_IGNORED(257),
    /** Updates of an {@code _IGNORE} kind whose rows were not there. */
    UPDATES_IGNORED(258),
    /** Deletes of an {@code _IGNORE} kind whose rows were not there. */
    DELETES_IGNORED(259),
    /** Updates of an {@code _IGNORE} kind that were done, but for immutable columns. */
    UPDATES_IN_PART(260),
    /** Upserts of an {@code _IGNORE} kind that were done, but for immutable columns. */
    UPSERTS_IN_PART(261);

    private static final AnswerCount[] ALL = values();

    /** Errors of rows have lower codes. */
    private static final int CODE_MIN = 256;

    static {
        for (int i = 0; i < ALL.length; i++) {
            Check.that(ALL[i].code == CODE_MIN + i, "counts have the codes from 256 on");
        }
    }

    private final int code;

    AnswerCount(int code) {
        this.code = code;
    }

    /** As it stands on disk; never given to another number. */
    public int code() {
        return code;
    }

    /** Whether an entry with this code would be a number, be it one that is not known here. */
    static boolean isCount(int code) {
        return code >= CODE_MIN;
    }

    /** What number stands on disk as {@code code}; null if none does. */
    public static @Nullable AnswerCount ofCode(int code) {
        int place = code - CODE_MIN;
        return place >= 0 && place < ALL.length ? ALL[place] : null;
    }
}
