package io.nyala.rpc;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.System.Logger.Level;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.Optional;

/**
 * What a process may have open: each connection is a file to the system, as is each of the engine's. A connection that
 * finds none left is refused and its client comes again; an engine that finds none cannot flush. So connections get a
 * share, and the rest is the engine's. Immutable.
 *
 * @param limit files that the process may have open at a time; Java raises it to the hard limit when it starts
 * @param open of those, at the moment
 */
record OpenFiles(long limit, long open) {
    /** The ports that clients come to; each client has a connection to both. */
    private static final int PORTS = 2;

    /** Of what is not open yet, the engine has half: a file for each rowset and delta file, and the log. */
    private static final int SHARES = 2;

    /** Fewer are no server. */
    static final int CONNECTIONS_MIN = 16;

    /** Fewer are few for a server: the usual limits of systems leave more. Nobody asks for the most there may be. */
    private static final int CONNECTIONS_FEW = 1_000;

    /** Those of this process, where the system has such a limit. */
    static Optional<OpenFiles> ofProcess() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system
                ? Optional.of(new OpenFiles(system.getMaxFileDescriptorCount(), system.getOpenFileDescriptorCount()))
                : Optional.empty();
    }

    /**
     * How many connections each port may take.
     *
     * @param wanted at each port, if there are files enough
     * @throws IllegalStateException if they are too few for a server
     */
    int connectionsMax(int wanted) {
        long affordable = Math.max(0, limit - open) / SHARES / PORTS;
        if (affordable < CONNECTIONS_MIN) {
            throw new IllegalStateException(String.format(
                    Locale.ROOT,
                    "the process may have %,d files open and has %,d: too few for %,d connections at each port and as"
                            + " many files of the engine; raise the limit (ulimit -Hn, LimitNOFILE of a service) to"
                            + " %,d",
                    limit,
                    open,
                    CONNECTIONS_MIN,
                    limitFor(wanted)));
        }
        return (int) Math.min(wanted, affordable);
    }

    /** What the process must be allowed for so many at each port. */
    private long limitFor(int connections) {
        return open + (long) connections * SHARES * PORTS;
    }

    /** How that is told. */
    Level level(int wanted) {
        return connectionsMax(wanted) < CONNECTIONS_FEW ? Level.WARNING : Level.INFO;
    }

    /** What to tell an operator if there are fewer than wanted. */
    String advice(int wanted) {
        return String.format(
                Locale.ROOT,
                "up to %,d connections at each port, not %,d: the process may have %,d files open and has %,d, and half"
                        + " of the others are kept for the engine; raise the limit (ulimit -Hn, LimitNOFILE of a"
                        + " service) to %,d for all",
                connectionsMax(wanted),
                wanted,
                limit,
                open,
                limitFor(wanted));
    }
}
