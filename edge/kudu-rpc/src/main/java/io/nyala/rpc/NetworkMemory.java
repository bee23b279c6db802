package io.nyala.rpc;

import java.util.Locale;

/**
 * The memory that requests and answers may have at each of the two ports, so that what clients do at their worst fits
 * into the JVM's limit of direct memory. Who finds the limit of the server waits; who finds that of the JVM fails, and
 * with it whoever reads or answers at that moment. Immutable.
 *
 * @param requestBytesMax of the requests under way at a port
 * @param answerBytesMax of the answers at a port that clients have not taken
 */
record NetworkMemory(long requestBytesMax, long answerBytesMax) {
    private static final long MIB = 1L << 20;
    private static final int PORTS = 2;

    /** For both ports: what sockets are read into, and chunks of the pool that are not full. */
    private static final long POOL_BYTES = 32 * MIB;

    /** Below that, nearly everything waits; larger requests are told to come again where the JVM has too little. */
    private static final long BYTES_MIN = 4 * MIB;

    /** What is wanted, or as much as fits: two thirds of that for requests. */
    static NetworkMemory within(RpcConfig wanted, long directBytes) {
        long room = Math.max(0, directBytes - POOL_BYTES) / PORTS - besideBytes(wanted);
        if (wanted.requestBytesMax() + wanted.answerBytesMax() <= room) {
            return new NetworkMemory(wanted.requestBytesMax(), wanted.answerBytesMax());
        }
        long requests = Math.clamp(room * 2 / 3, BYTES_MIN, Long.MAX_VALUE);
        long answers = Math.clamp(room / 3, BYTES_MIN, Long.MAX_VALUE);
        return new NetworkMemory(
                Math.min(wanted.requestBytesMax(), requests), Math.min(wanted.answerBytesMax(), answers));
    }

    /** The request beyond the limit, as it grows for the last time, and those of who does not say who it is. */
    private static long besideBytes(RpcConfig wanted) {
        return wanted.frameBytesMax() + wanted.frameBytesMax() / 8 + wanted.firstBytesMax();
    }

    boolean isLess(RpcConfig wanted) {
        return requestBytesMax < wanted.requestBytesMax() || answerBytesMax < wanted.answerBytesMax();
    }

    /** What to tell an operator if it is less than wanted. */
    String advice(RpcConfig wanted, long directBytes) {
        long forAll = POOL_BYTES + PORTS * (besideBytes(wanted) + wanted.requestBytesMax() + wanted.answerBytesMax());
        return String.format(
                Locale.ROOT,
                "requests may have %,d MiB and answers %,d MiB at each port, not %,d and %,d: the JVM may have %,d MiB"
                        + " of direct memory; give it %,d for all (-XX:MaxDirectMemorySize=%dm, or a larger heap)",
                requestBytesMax / MIB,
                answerBytesMax / MIB,
                wanted.requestBytesMax() / MIB,
                wanted.answerBytesMax() / MIB,
                directBytes / MIB,
                Math.ceilDiv(forAll, MIB),
                Math.ceilDiv(forAll, MIB));
    }
}
