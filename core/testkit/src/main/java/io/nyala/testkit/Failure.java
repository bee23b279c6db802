package io.nyala.testkit;

import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.function.Executable;

/**
 * Expects code to fail, and its message to say what, where and what to do. Stateless.
 *
 * <pre>{@code
 * Failure.expect(CorruptPageException.class, () -> reader.page(3), "data/rs7.cfile", "byte 1,048,576", "nyala verify");
 * }</pre>
 */
public final class Failure {
    private Failure() {}

    /** Fails unless the code throws the type with a message that holds all the parts; answers what was thrown. */
    public static <T extends Throwable> T expect(Class<T> type, Executable code, String... parts) {
        T thrown = assertThrows(type, code);
        String message = String.valueOf(thrown.getMessage());
        for (String part : parts) {
            if (!message.contains(part)) {
                throw new AssertionError("the message lacks \"%s\": %s".formatted(part, message), thrown);
            }
        }
        return thrown;
    }
}
