package io.nyala.wal;

import io.nyala.io.DiskException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A disk that has no room for a log's next segment: since when, and how often it may be tried again. Each attempt
 * writes zeros until it is full once more, which others on it notice; so there are a few in a second, and none that
 * nobody asks for. Whoever is refused later has it tried later.
 *
 * <p>One thread, but where it says so.
 */
final class Attempts {
    private static final Logger LOG = System.getLogger(Attempts.class.getName());

    private static final long WINDOW_MICROS = 1_000_000;

    /** In a window: soon enough for whoever has made room and tries. */
    private static final int COUNT_MAX = 4;

    private final Path directory;
    private final LongSupplier micros;
    private final Runnable wake;
    private long windowStart;
    private int count;
    private volatile boolean isWanted;
    private volatile @Nullable DiskException full;
    private volatile @Nullable LogFullException noRoom;

    /**
     * @param directory of the log, for messages
     * @param micros may jump
     * @param wake has whoever tries look
     */
    Attempts(Path directory, LongSupplier micros, Runnable wake) {
        this.directory = directory;
        this.micros = micros;
        this.wake = wake;
    }

    /** Takes note of why the last attempt failed; null if the next one has begun. Answers whether it did. */
    boolean note(@Nullable DiskException reason) {
        full = reason;
        if (reason != null && noRoom == null) {
            Instant now = Instant.EPOCH.plus(micros.getAsLong(), ChronoUnit.MICROS);
            noRoom = new LogFullException(
                    "no room for the next segment of the log in " + directory + " since "
                            + now.truncatedTo(ChronoUnit.SECONDS) + ": " + reason.getMessage()
                            + ". What was accepted is safe; writes fail when the present segment is full, and go on"
                            + " when there is room, which is tried up to " + COUNT_MAX + " times a second",
                    reason);
            LOG.log(Level.WARNING, String.valueOf(noRoom.getMessage()));
        }
        return reason != null;
    }

    /** The next segment is there. */
    void succeeded() {
        if (noRoom != null) {
            noRoom = null;
            LOG.log(Level.WARNING, "the log in " + directory + " has room again"); // For who was warned.
        }
    }

    /** Why there is no next segment, or null while that is to be seen; it is tried again. For any thread. */
    @Nullable
    DiskException takeFull() {
        DiskException reason = full;
        if (reason != null) {
            want();
        }
        return reason;
    }

    /** Since when and why there is none, or null; it is tried again. For any thread. */
    @Nullable
    LogFullException takeNoRoom() {
        LogFullException lasting = noRoom;
        if (lasting != null) {
            want();
        }
        return lasting;
    }

    private void want() {
        isWanted = true;
        wake.run();
    }

    /** Whether it may be tried now, which it then is. */
    boolean mayTry() {
        if (!isWanted) {
            return false;
        }
        long now = micros.getAsLong();
        if (now - windowStart >= WINDOW_MICROS || now < windowStart) {
            windowStart = now;
            count = 0;
        }
        isWanted = count++ >= COUNT_MAX;
        return !isWanted;
    }

    /** It is tried whatever was before: there is reason to believe that it goes well now. */
    void wantAtOnce() {
        isWanted = true;
        count = 0;
    }
}
