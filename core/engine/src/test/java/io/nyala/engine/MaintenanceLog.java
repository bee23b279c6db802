package io.nyala.engine;

import io.nyala.engine.ModelTally.Kind;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Counts what maintenance tells its operator of workers that hang and of those that come back. Until it is closed. */
final class MaintenanceLog extends Handler {
    private final Logger logger = Logger.getLogger("io.nyala.maintenance"); // Kept, or its handler may be lost.
    private final ModelTally tally = new ModelTally();

    MaintenanceLog() {
        logger.addHandler(this);
        logger.setLevel(Level.INFO);
    }

    /** What was told since it was opened. */
    ModelTally tally() {
        return tally;
    }

    @Override
    public void publish(LogRecord told) {
        String text = told.getMessage();
        if (text.contains("has come back")) {
            tally.count(Kind.REFUSED_ZOMBIE);
        } else if (text.contains("another worker goes on in its place")) {
            tally.count(Kind.TAKE_OVER);
        } else if (text.contains("was taken from its worker")) {
            tally.count(Kind.MERGE_TAKE_OVER);
        }
    }

    @Override
    public void flush() {
        // Nothing is kept back.
    }

    @Override
    public void close() {
        logger.removeHandler(this);
        logger.setLevel(null);
    }
}
