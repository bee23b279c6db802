package io.nyala.cli;

import java.util.concurrent.CountDownLatch;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.Logger;

/** What the engine logs, on standard error: warnings and worse, a line each. */
final class Logging {
    private static final String BY = "java.util.logging.manager";

    private Logging() {}

    /** For the whole process; call it before anything logs. */
    static void quiet() {
        if (System.getProperty(BY) == null) {
            System.setProperty(BY, PatientLogging.class.getName()); // Before any class of Java's logging is used.
        }
        if (System.getProperty("java.util.logging.config.file") == null) {
            System.setProperty("java.util.logging.SimpleFormatter.format", "nyala: %4$s: %5$s%6$s%n");
            Root.LOGGER.setLevel(Level.WARNING);
        }
        // They are made when first asked for, and not any more when the process is told to end: too late for a first
        // line that comes then.
        var _ = Root.LOGGER.getHandlers();
    }

    /** What is logged when the process is told to end comes out, until that has happened: it must then. */
    static void lastUntil(CountDownLatch stopped) {
        if (LogManager.getLogManager() instanceof PatientLogging patient) { // Else a host has logging of its own.
            patient.lastUntil(stopped);
        }
    }

    /** Kept, or the setting would go with the collected logger; in a class of its own, not to be used too early. */
    private static final class Root {
        static final Logger LOGGER = Logger.getLogger("");
    }
}
