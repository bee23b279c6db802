package io.nyala.record;

import io.nyala.memory.Check;

/**
 * What a tablet remembers of answered requests.
 *
 * @param clients most clients at a time
 * @param requestsPerClient most answers of one client; beyond it the oldest are forgotten
 * @param bytes of all answers together, as they would take in the log
 * @param forgetAfterMicros a client that has not been heard of for so long is forgotten
 * @param replaceAfterMicros one that has not been heard of for so long is forgotten if others need its room
 */
record RequestLimits(int clients, int requestsPerClient, long bytes, long forgetAfterMicros, long replaceAfterMicros) {
    /** What a client with a few answers takes on the heap, about. */
    private static final int CLIENT_HEAP_BYTES = 512;

    /** On the heap, for all clients of a tablet. */
    private static final int CLIENTS_HEAP_BYTES_MAX = 8 << 20;

    /** Programs that run each minute, or tasks of a large job, are a new client each time. */
    static final int CLIENTS_MAX = CLIENTS_HEAP_BYTES_MAX / CLIENT_HEAP_BYTES;

    /** Clients have a few requests on their way, not hundreds; one that never says what it has heard can go on. */
    static final int REQUESTS_PER_CLIENT_MAX = 1024;

    /** The largest batch there can be with all its operations refused takes less than three of these MiB. */
    static final long BYTES_MAX = 4 << 20;

    /** Kudu's {@code remember_clients_ttl_ms}. */
    static final long FORGET_AFTER_MICROS = 3_600_000_000L;

    /** Kudu's {@code remember_responses_ttl_ms}: clients know that nobody keeps an answer for them longer. */
    static final long REPLACE_AFTER_MICROS = 600_000_000L;

    static final RequestLimits DEFAULT = new RequestLimits(
            CLIENTS_MAX, REQUESTS_PER_CLIENT_MAX, BYTES_MAX, FORGET_AFTER_MICROS, REPLACE_AFTER_MICROS);

    RequestLimits {
        Check.positive("clients", clients);
        Check.positive("requestsPerClient", requestsPerClient);
        Check.positive("bytes", bytes);
        Check.positive("replaceAfterMicros", replaceAfterMicros);
        Check.that(replaceAfterMicros <= forgetAfterMicros, "who is forgotten anyway needs nobody's need");
    }
}
