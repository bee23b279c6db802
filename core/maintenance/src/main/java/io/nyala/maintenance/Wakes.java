package io.nyala.maintenance;

import io.nyala.io.Parking;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Wakes whoever does what maintenance does: known before that is there, and whichever of its workers has the seat.
 * Thread-safe.
 */
public final class Wakes {
    private final List<Parking> parkings = new CopyOnWriteArrayList<>();

    void add(Parking parking) {
        parkings.add(parking);
    }

    /** There may be something to do. Those that have no seat look, and sleep again: mostly there are none. */
    public void wake() {
        for (Parking parking : parkings) {
            parking.wake();
        }
    }
}
