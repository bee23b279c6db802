package io.nyala.cli;

import io.nyala.engine.Engine;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
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

    /** How far the engine is where that takes long is said there, until it is closed. */
    static Progress progress(Consumer<String> told) {
        return new Progress(told);
    }

    /** Takes the lines of one logger, which are no warnings, to where others of the command are. */
    static final class Progress extends Handler implements AutoCloseable {
        private final Logger source = Logger.getLogger(Engine.class.getPackageName() + ".progress");
        private final Consumer<String> told;

        private Progress(Consumer<String> told) {
            this.told = told;
            source.setLevel(Level.INFO);
            source.setUseParentHandlers(false);
            source.addHandler(this);
        }

        @Override
        public void publish(LogRecord line) {
            told.accept(line.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {
            source.removeHandler(this);
            source.setUseParentHandlers(true);
        }
    }

    /** Kept, or the setting would go with the collected logger; in a class of its own, not to be used too early. */
    private static final class Root {
        static final Logger LOGGER = Logger.getLogger("");
    }
}
