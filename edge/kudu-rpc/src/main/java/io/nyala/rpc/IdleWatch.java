package io.nyala.rpc;

/**
 * Tells when a connection is of no more use: next to nothing has come or gone for a while and nothing is under way, or
 * there are answers for the client, and it has taken next to nothing of them. Times are given. Belongs to one event
 * loop.
 */
final class IdleWatch {
    /** Of a request or answers that have not gone as a whole, a piece of this size is a sign of life, a byte is not. */
    static final int PIECE_BYTES = 64 << 10;

    private final long idleNanos;
    private long activeNanos;
    private long unsentBytes;
    private long takenBytes;
    private int pieceBytes;

    /** What is to be done. */
    enum Verdict {
        /** To look again after {@link #nanosToNextLook}. */
        GOES_ON,
        IDLE,
        STUCK
    }

    IdleWatch(long idleNanos) {
        this.idleNanos = idleNanos;
    }

    /** A request has come in, or an answer is ready to go. */
    void active(long nowNanos) {
        activeNanos = nowNanos;
        pieceBytes = 0;
    }

    /** So many bytes of a request have come in, and more are to come. */
    void received(long nowNanos, int bytes) {
        pieceBytes += bytes;
        if (pieceBytes >= PIECE_BYTES) {
            active(nowNanos);
        }
    }

    /**
     * Looks at a connection.
     *
     * @param newUnsentBytes answers that the client has not taken
     * @param writtenBytes those of all answers that there ever were
     * @param isBusy whether calls are under way, or it waits for us to read on
     */
    Verdict look(long nowNanos, long newUnsentBytes, long writtenBytes, boolean isBusy) {
        long before = takenBytes;
        unsentBytes = newUnsentBytes;
        takenBytes = writtenBytes - newUnsentBytes;
        if (nowNanos - activeNanos < idleNanos) {
            return Verdict.GOES_ON;
        }
        if (newUnsentBytes > 0) {
            return takenBytes - before < PIECE_BYTES ? Verdict.STUCK : Verdict.GOES_ON; // It takes some, if slowly.
        }
        return isBusy ? Verdict.GOES_ON : Verdict.IDLE;
    }

    /** Long enough for the next look to find something. */
    long nanosToNextLook(long nowNanos) {
        long left = idleNanos - (nowNanos - activeNanos);
        return left > 0 && unsentBytes == 0 ? left : idleNanos;
    }
}
