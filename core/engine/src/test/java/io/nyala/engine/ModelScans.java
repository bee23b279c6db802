package io.nyala.engine;

import io.nyala.simulation.PowerCutException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** The scans of a {@link ModelRun} that stay open while other things happen, flushes of what they read above all. */
final class ModelScans {
    /** More rows than any scan has. */
    static final int TO_END = Integer.MAX_VALUE;

    private static final int OPEN_MAX = 4;

    private final List<ModelScan> open = new ArrayList<>();

    boolean hasRoom() {
        return open.size() < OPEN_MAX;
    }

    boolean isEmpty() {
        return open.isEmpty();
    }

    ModelScan open(SplittableRandom random, ModelDriver driver, Engine engine) {
        ModelScan scan = ModelScan.open(random, driver, engine);
        open.add(scan);
        return scan;
    }

    ModelScan any(SplittableRandom random) {
        return open.get(random.nextInt(open.size()));
    }

    /**
     * Reads until so many rows have come, but not on to be told that these were all. A scan that is at its end, or
     * fails, is closed.
     */
    void goOn(ModelScan scan, int rowCount) {
        if (!open.contains(scan)) {
            return; // It was at its end before.
        }
        boolean isOver = true; // Also if it fails.
        try {
            boolean hasMore = true;
            while (hasMore && scan.rowCount() < rowCount) {
                hasMore = scan.advance();
            }
            isOver = !hasMore;
            if (isOver) {
                scan.finish();
            }
        } finally {
            if (isOver) {
                open.remove(scan);
                scan.close();
            }
        }
    }

    void close() {
        for (ModelScan scan : open) {
            try {
                scan.close();
            } catch (PowerCutException _) {
                // Its disk is gone; its memory is given back.
            }
        }
        open.clear();
    }
}
