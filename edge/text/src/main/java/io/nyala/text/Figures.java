package io.nyala.text;

import java.math.BigDecimal;
import java.util.Locale;

/** Numbers as people read them: thousands separators and units. Stateless. */
public final class Figures {
    private static final String[] BYTE_UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};
    private static final double NANOS_PER_SECOND = 1e9;

    private Figures() {}

    public static String count(long count) {
        return String.format(Locale.ROOT, "%,d", count);
    }

    public static String count(long count, String singular, String plural) {
        return count(count) + " " + (count == 1 ? singular : plural);
    }

    /** Three or four digits and a binary unit. */
    public static String bytes(long bytes) {
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
            value /= 1024;
            unit++;
        }
        return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%,.1f %s", value, BYTE_UNITS[unit]);
    }

    public static String bytesPerRow(long bytes, long rows) {
        return rows == 0 ? "-" : String.format(Locale.ROOT, "%,.1f B/row", (double) bytes / rows);
    }

    /** In the unit that suits: microseconds, milliseconds or seconds. */
    public static String duration(long nanos) {
        if (nanos < 1_000_000) {
            return String.format(Locale.ROOT, "%,d us", nanos / 1000);
        }
        return nanos < 1_000_000_000
                ? String.format(Locale.ROOT, "%,.1f ms", nanos / 1e6)
                : String.format(Locale.ROOT, "%,.2f s", nanos / NANOS_PER_SECOND);
    }

    /** So many in a second; 0 if there was no time. */
    public static long perSecond(long count, long nanos) {
        return nanos <= 0 ? 0 : Math.round(count * NANOS_PER_SECOND / nanos);
    }

    /** A decimal that is given without its point. */
    public static String decimal(long unscaled, int scale) {
        return decimal(BigDecimal.valueOf(unscaled, scale));
    }

    public static String decimal(BigDecimal value) {
        return String.format(Locale.ROOT, "%,." + value.scale() + "f", value);
    }
}
