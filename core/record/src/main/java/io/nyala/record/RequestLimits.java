package io.nyala.record;

import io.nyala.memory.Check;

/**
 * What a tablet remembers of answered requests.
 *
 * @param clients most clients at a time
 * @param requestsPerClient most answers of one client; beyond it the oldest are forgotten
 * @param bytes of all answers together, as they would take in the log
 * @param forgetAfterMicros a client that has not been heard of for so long is forgotten
 */
record RequestLimits(int clients, int requestsPerClient, long bytes, long forgetAfterMicros) {
    /** A server in front of many writers has one for each of its connections; each costs a few hundred bytes. */
    static final int CLIENTS_MAX = 1024;

    /** Clients have a few requests on their way, not hundreds; one that never says what it has heard can go on. */
    static final int REQUESTS_PER_CLIENT_MAX = 1024;

    /** The largest batch there can be with all its operations refused takes less than three of these MiB. */
    static final long BYTES_MAX = 4 << 20;

    /** As Kudu does. */
    static final long FORGET_AFTER_MICROS = 3_600_000_000L;

    static final RequestLimits DEFAULT =
            new RequestLimits(CLIENTS_MAX, REQUESTS_PER_CLIENT_MAX, BYTES_MAX, FORGET_AFTER_MICROS);

    RequestLimits {
        Check.positive("clients", clients);
        Check.positive("requestsPerClient", requestsPerClient);
        Check.positive("bytes", bytes);
        Check.positive("forgetAfterMicros", forgetAfterMicros);
    }
}
