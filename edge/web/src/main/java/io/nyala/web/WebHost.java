package io.nyala.web;

import java.util.List;
import java.util.Map;

/**
 * What the pages show that an engine does not know: who embeds it, and how that names things. Called on any thread, for
 * each request; must not wait for anything.
 */
public interface WebHost {
    /** Of the program. */
    String version();

    /** Where else it listens, by what for: {@code master}, {@code 127.0.0.1:7051}. */
    Map<String, String> addresses();

    /** Scanners of clients. */
    List<OpenScanner> scanners();

    /** As clients name the table with that number. */
    default String tableId(long number) {
        return Long.toString(number);
    }

    /** As clients name the tablet with that number. */
    default String tabletId(long number) {
        return Long.toString(number);
    }

    /** An engine that serves no clients. */
    static WebHost ofEngine(String version) {
        return new WebHost() {
            @Override
            public String version() {
                return version;
            }

            @Override
            public Map<String, String> addresses() {
                return Map.of();
            }

            @Override
            public List<OpenScanner> scanners() {
                return List.of();
            }
        };
    }
}
