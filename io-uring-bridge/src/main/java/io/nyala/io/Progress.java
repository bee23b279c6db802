package io.nyala.io;

import java.util.concurrent.locks.LockSupport;

/**
 * How far a transfer has come, and what the next answer to it means. A kernel may do a part of what it is asked for, or
 * nothing for now; then it is asked for the rest, or again, until the transfer gets on no more.
 *
 * <p>A sync is a transfer of no bytes. Used again and again; one thread at a time.
 */
final class Progress {
    /** It is over. Outcomes above are the numbers of errors; it has failed. */
    static final int OVER = 0;

    /** To be asked for the rest, at once. */
    static final int REST = -1;

    /** To be asked for the rest after {@link #pauseNanos}: at once it would most likely be refused again. */
    static final int LATER = -2;

    /** Over if the file ends there, which {@link #settleWithin} tells. */
    static final int END_UNKNOWN = -3;

    /** How often a transfer is asked for without getting on, before this is its failure. Half a second, with pauses. */
    static final int RETRIES_MAX = 100;

    private static final long PAUSE_NANOS_MIN = 10_000; // About one short transfer.
    private static final long PAUSE_NANOS_MAX = 5_000_000;

    private boolean isRead;
    private long position;
    private int bytes;
    private int doneBytes;
    private int partialBytes; // With those of the last sector, while it is not known whether the file ends there.
    private int retries; // Since it got on.

    void begin(boolean isRead, long position, int bytes) {
        this.isRead = isRead;
        this.position = position;
        this.bytes = bytes;
        doneBytes = 0;
        retries = 0;
    }

    /** Whole sectors, until it is over: direct transfers go on at one. */
    int doneBytes() {
        return doneBytes;
    }

    /** Takes an answer, the bytes transferred or {@code -errno}; returns what is to be done now. */
    int settle(long answer) {
        assert answer <= bytes - doneBytes : answer + " bytes of " + (bytes - doneBytes);
        if (answer < 0) {
            return switch ((int) -answer) {
                case Errno.INTERRUPTED -> again(REST, Errno.INTERRUPTED);
                case Errno.AGAIN -> again(LATER, Errno.AGAIN);
                default -> (int) -answer;
            };
        }
        int done = doneBytes + (int) answer;
        if (done == bytes || (isRead && answer == 0)) {
            doneBytes = done;
            return OVER;
        }
        if (isRead && done % Disk.ALIGNMENT_BYTES != 0) {
            partialBytes = done;
            return END_UNKNOWN;
        }
        return goOnAfter(done);
    }

    /** After {@link #END_UNKNOWN}: how long the file is, or {@code -errno} where that cannot be told. */
    int settleWithin(long fileBytes) {
        if (fileBytes < 0) {
            return (int) -fileBytes;
        }
        if (position + partialBytes >= fileBytes) {
            doneBytes = partialBytes;
            return OVER;
        }
        return goOnAfter(partialBytes);
    }

    private int goOnAfter(int done) {
        int whole = done & -Disk.ALIGNMENT_BYTES;
        if (whole == doneBytes) {
            return again(LATER, Errno.IO);
        }
        doneBytes = whole;
        retries = 0;
        return REST;
    }

    private int again(int outcome, int errno) {
        return ++retries <= RETRIES_MAX ? outcome : errno;
    }

    /** Twice as long each time. */
    long pauseNanos() {
        return pauseNanos(retries);
    }

    static long pauseNanos(int retries) {
        return Math.min(PAUSE_NANOS_MIN << Math.clamp(retries - 1, 0, 20), PAUSE_NANOS_MAX);
    }

    /** Sleeps, also where this thread is interrupted: then {@code parkNanos} alone would not. */
    static void pause(long nanos) {
        boolean isInterrupted = Thread.interrupted();
        LockSupport.parkNanos(nanos);
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
