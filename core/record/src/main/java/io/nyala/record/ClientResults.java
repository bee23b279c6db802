package io.nyala.record;

import java.util.Arrays;

/**
 * What one client's requests were answered, in the order of their sequences. Requests come nearly in order and go from
 * the front, so they are sorted arrays of which a part in the middle is used.
 *
 * <p>Belongs to one thread. Allocates only to grow.
 */
final class ClientResults {
    static final int NOT_FOUND = -1;

    private static final int CAPACITY_MIN = 8;

    final long high;
    final long low;

    /** Its requests below this are forgotten. */
    private long forgottenBelow;

    /** Hybrid time at which it was last heard of. */
    private long lastUsed;

    private long[] sequences = new long[CAPACITY_MIN];
    private long[] timestamps = new long[CAPACITY_MIN];
    private long[] logSequences = new long[CAPACITY_MIN];
    private int[] errorsAt = new int[CAPACITY_MIN];
    private int[] errorCounts = new int[CAPACITY_MIN];
    private int from;
    private int to;

    ClientResults(long high, long low) {
        this.high = high;
        this.low = low;
    }

    /** An independent copy; errors stay where they are. */
    ClientResults copy() {
        var copy = new ClientResults(high, low);
        copy.forgottenBelow = forgottenBelow;
        copy.lastUsed = lastUsed;
        copy.sequences = sequences.clone();
        copy.timestamps = timestamps.clone();
        copy.logSequences = logSequences.clone();
        copy.errorsAt = errorsAt.clone();
        copy.errorCounts = errorCounts.clone();
        copy.from = from;
        copy.to = to;
        return copy;
    }

    long forgottenBelow() {
        return forgottenBelow;
    }

    long lastUsed() {
        return lastUsed;
    }

    void used(long time) {
        lastUsed = Math.max(lastUsed, time);
    }

    int count() {
        return to - from;
    }

    /** Of the oldest request; others follow. */
    int first() {
        return from;
    }

    /** Behind the newest request. */
    int end() {
        return to;
    }

    /** Place of the first request that is not below {@code sequence}; {@link #end} if there is none. */
    int ceiling(long sequence) {
        if (from < to && sequences[to - 1] < sequence) {
            return to; // Nearly always.
        }
        int low = from;
        int high = to;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (sequences[middle] < sequence) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Place of a request, or {@link #NOT_FOUND}. */
    int find(long sequence) {
        int place = ceiling(sequence);
        return place < to && sequences[place] == sequence ? place : NOT_FOUND;
    }

    long sequence(int place) {
        return sequences[place];
    }

    long timestamp(int place) {
        return timestamps[place];
    }

    long logSequence(int place) {
        return logSequences[place];
    }

    int errorsAt(int place) {
        return errorsAt[place];
    }

    int errorCount(int place) {
        return errorCounts[place];
    }

    void moveErrors(int place, int at) {
        errorsAt[place] = at;
    }

    /** Takes a request that is not there. */
    void insert(long sequence, long timestamp, long logSequence, int newErrorsAt, int errorCount) {
        assert find(sequence) == NOT_FOUND && sequence >= forgottenBelow : "request " + sequence;
        if (to == sequences.length) {
            makeRoom();
        }
        int place = ceiling(sequence);
        int behind = to - place;
        if (behind > 0) {
            System.arraycopy(sequences, place, sequences, place + 1, behind);
            System.arraycopy(timestamps, place, timestamps, place + 1, behind);
            System.arraycopy(logSequences, place, logSequences, place + 1, behind);
            System.arraycopy(errorsAt, place, errorsAt, place + 1, behind);
            System.arraycopy(errorCounts, place, errorCounts, place + 1, behind);
        }
        to++;
        sequences[place] = sequence;
        timestamps[place] = timestamp;
        logSequences[place] = logSequence;
        errorsAt[place] = newErrorsAt;
        errorCounts[place] = errorCount;
    }

    /** To the front if there is a good part free; so a move is paid by as many insertions. */
    private void makeRoom() {
        int count = count();
        if (from < sequences.length / 4) {
            int capacity = 2 * sequences.length;
            sequences = Arrays.copyOf(sequences, capacity);
            timestamps = Arrays.copyOf(timestamps, capacity);
            logSequences = Arrays.copyOf(logSequences, capacity);
            errorsAt = Arrays.copyOf(errorsAt, capacity);
            errorCounts = Arrays.copyOf(errorCounts, capacity);
        }
        System.arraycopy(sequences, from, sequences, 0, count);
        System.arraycopy(timestamps, from, timestamps, 0, count);
        System.arraycopy(logSequences, from, logSequences, 0, count);
        System.arraycopy(errorsAt, from, errorsAt, 0, count);
        System.arraycopy(errorCounts, from, errorCounts, 0, count);
        from = 0;
        to = count;
    }

    /** Forgets its oldest request; answers how many errors that had. */
    int forgetFirst() {
        assert from < to : "there is none";
        forgottenBelow = Math.max(forgottenBelow, sequences[from] + 1);
        return errorCounts[from++];
    }

    /** What is below {@code sequence}, and not remembered, will not be either. */
    void forgetBelow(long sequence) {
        assert from == to || sequences[from] >= sequence : "request " + sequences[from] + " is still there";
        forgottenBelow = Math.max(forgottenBelow, sequence);
    }

    /** Of what is not below {@code sequence}, and not remembered, it is not known any more that it was forgotten. */
    void rememberFrom(long sequence) {
        forgottenBelow = Math.min(forgottenBelow, sequence);
    }

    /** Takes a request out, for another answer; answers how many errors it had. */
    int remove(int place) {
        int errorCount = errorCounts[place];
        int behind = to - place - 1;
        System.arraycopy(sequences, place + 1, sequences, place, behind);
        System.arraycopy(timestamps, place + 1, timestamps, place, behind);
        System.arraycopy(logSequences, place + 1, logSequences, place, behind);
        System.arraycopy(errorsAt, place + 1, errorsAt, place, behind);
        System.arraycopy(errorCounts, place + 1, errorCounts, place, behind);
        to--;
        return errorCount;
    }
}
