package io.nyala.time;

/**
 * Functions on hybrid timestamps: microseconds since 1970-01-01 (UTC), shifted left by 12 bits, and a logical counter
 * in these bits, as in Kudu. Timestamps are positive {@code long}s and compare as such. A snapshot is one timestamp:
 * it sees every version whose time is not above it. Stateless.
 */
public final class HybridTime {
    public static final int LOGICAL_BITS = 12;

    public static final long LOGICAL_MAX = (1L << LOGICAL_BITS) - 1;

    public static final long MICROS_MAX = Long.MAX_VALUE >>> LOGICAL_BITS;

    /** Before every version; a snapshot at it sees nothing. */
    public static final long NONE = 0;

    /** After every version; a snapshot at it sees the newest state, durable or not. */
    public static final long MAX = Long.MAX_VALUE;

    private HybridTime() {}

    /** The timestamp with these parts. */
    public static long of(long micros, long logical) {
        assert micros >= 0 && micros <= MICROS_MAX : "micros " + micros;
        assert logical >= 0 && logical <= LOGICAL_MAX : "logical " + logical;
        return micros << LOGICAL_BITS | logical;
    }

    /** The first timestamp of a microsecond. */
    public static long ofMicros(long micros) {
        return of(micros, 0);
    }

    public static long micros(long time) {
        return time >>> LOGICAL_BITS;
    }

    public static long logical(long time) {
        return time & LOGICAL_MAX;
    }

    /** For messages: {@code 1700000000000000.3}. */
    public static String format(long time) {
        return micros(time) + "." + logical(time);
    }
}
