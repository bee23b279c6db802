package io.nyala.server;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/** Where faults of the server are told, which no client can do anything about. Stateless. */
final class ServerFaults {
    private static final Logger LOG = System.getLogger(NyalaServer.class.getName());

    private ServerFaults() {}

    static void report(String what, @Nullable Throwable failure) {
        LOG.log(Level.ERROR, what, failure);
    }
}
