package io.nyala.web;

import io.nyala.memory.Check;
import java.time.Duration;

/**
 * Where the pages are served. Immutable.
 *
 * @param host address to listen at
 * @param port 0 for any that is free
 * @param requestMillis how long a request may take, from its first byte until its answer is read
 */
public record WebConfig(String host, int port, int requestMillis) {
    /** Of Kudu's tablet server. */
    public static final int PORT = 8050;

    private static final int PORT_MAX = 65_535;

    public WebConfig {
        Check.that(!host.isBlank(), "web pages must have a host to listen at; 127.0.0.1 serves this machine only");
        Check.inRange("web port", port, 0, PORT_MAX);
        Check.inRange("milliseconds that a request may take", requestMillis, 1, Integer.MAX_VALUE);
    }

    /** Requests of up to half a minute: as browsers on slow lines need it. */
    public static WebConfig at(String host, int port) {
        return new WebConfig(host, port, (int) Duration.ofSeconds(30).toMillis());
    }

    public WebConfig withRequestMillis(int newRequestMillis) {
        return new WebConfig(host, port, newRequestMillis);
    }
}
