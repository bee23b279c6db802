package io.nyala.cli;

import java.util.logging.Level;
import java.util.logging.Logger;

/** What the engine logs, on standard error: warnings and worse, a line each. */
final class Logging {
    /** Kept, or the setting would go with the collected logger. */
    private static final Logger ROOT = Logger.getLogger("");

    private Logging() {}

    /** For the whole process; call it before anything logs. */
    static void quiet() {
        if (System.getProperty("java.util.logging.config.file") == null) {
            System.setProperty("java.util.logging.SimpleFormatter.format", "nyala: %4$s: %5$s%6$s%n");
            ROOT.setLevel(Level.WARNING);
        }
    }
}
