package io.nyala.server;

import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Names on the wire, where everything is called by 32 lower-case hexadecimal digits: the host's identity, so that two
 * servers have nothing of the same name, then the number that the engine gave. Stateless.
 *
 * @param hostId identity of the engine's directory
 */
record ServerIds(long hostId) {
    private static final int DIGITS = 32;
    private static final int HALF = DIGITS / 2;

    /** What an id names; it is part of the first half, so that a table and a tablet have different ids. */
    private enum Kind {
        CLUSTER(0),
        MASTER(1),
        TABLET_SERVER(2),
        TABLE(3),
        TABLET(4);

        private final int number;

        Kind(int number) {
            this.number = number;
        }
    }

    /** The system catalog of a master, which is a tablet to Kudu's tools. */
    static final String SYSTEM_TABLET = "0".repeat(DIGITS);

    String cluster() {
        return id(Kind.CLUSTER, 0);
    }

    String master() {
        return id(Kind.MASTER, 0);
    }

    String tabletServer() {
        return id(Kind.TABLET_SERVER, 0);
    }

    String table(long id) {
        return id(Kind.TABLE, id);
    }

    String tablet(long id) {
        return id(Kind.TABLET, id);
    }

    /** The engine's number of a table; null if it is no table's id, or one of another server. */
    @Nullable
    Long tableNumber(String id) {
        return number(Kind.TABLE, id);
    }

    /** The engine's number of a tablet; null if it is no tablet's id, or one of another server. */
    @Nullable
    Long tabletNumber(String id) {
        return number(Kind.TABLET, id);
    }

    private String id(Kind kind, long number) {
        HexFormat hex = HexFormat.of();
        return hex.toHexDigits(hostId + kind.number) + hex.toHexDigits(number);
    }

    private @Nullable Long number(Kind kind, String id) {
        if (id.length() != DIGITS) {
            return null;
        }
        try {
            long number = HexFormat.fromHexDigitsToLong(id, HALF, DIGITS);
            return id.equals(id(kind, number)) ? number : null;
        } catch (IllegalArgumentException _) {
            return null; // Not hexadecimal.
        }
    }
}
