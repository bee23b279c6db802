package io.nyala.memory;

/**
 * Guards for what comes from disk, wire or caller: always on, cheap, and with a message that names the value. What only
 * our own code could break is guarded by {@code assert} instead.
 *
 * <p>Stateless; every method throws {@link IllegalArgumentException}.
 */
public final class Check {
    private Check() {}

    /**
     * The claim, or an exception that consists of {@code message}. Pass a constant: the message is built even if all is
     * well.
     */
    public static void that(boolean claim, String message) {
        if (!claim) {
            throw new IllegalArgumentException(message);
        }
    }

    /** {@code value} lies between {@code min} and {@code max}, both included. */
    public static void inRange(String name, long value, long min, long max) {
        if (value < min || value > max) {
            throw wrong(name, "between " + number(min) + " and " + number(max), value);
        }
    }

    /** {@code offset..offset + bytes} lies within {@code 0..limitBytes}. Safe against overflow. */
    public static void within(String name, long offset, long bytes, long limitBytes) {
        if (offset < 0 || bytes < 0 || offset > limitBytes - bytes) {
            throw new IllegalArgumentException(name + " must lie within " + number(limitBytes) + " bytes, was "
                    + number(bytes) + " bytes at " + number(offset));
        }
    }

    /** {@code value} is 1, 2, 4, 8 and so on. */
    public static void powerOfTwo(String name, long value) {
        if (value <= 0 || (value & (value - 1)) != 0) {
            throw wrong(name, "a power of two", value);
        }
    }

    public static void notNegative(String name, long value) {
        if (value < 0) {
            throw wrong(name, "zero or more", value);
        }
    }

    public static void positive(String name, long value) {
        if (value <= 0) {
            throw wrong(name, "more than zero", value);
        }
    }

    /** {@code value} is a multiple of {@code unit}, zero included. */
    public static void multipleOf(String name, long value, long unit) {
        if (value % unit != 0) {
            throw wrong(name, "a multiple of " + number(unit), value);
        }
    }

    private static IllegalArgumentException wrong(String name, String rule, long value) {
        return new IllegalArgumentException(name + " must be " + rule + ", was " + number(value));
    }

    /** Digits in groups of three, whatever the locale: 1,048,576. */
    static String number(long value) {
        String digits = Long.toString(value);
        var text = new StringBuilder(digits);
        int first = value < 0 ? 1 : 0;
        for (int i = digits.length() - 3; i > first; i -= 3) {
            text.insert(i, ',');
        }
        return text.toString();
    }
}
