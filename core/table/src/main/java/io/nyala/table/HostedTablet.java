package io.nyala.table;

import io.nyala.catalog.TabletPlace;
import io.nyala.partition.Partition;
import io.nyala.tablet.Tablet;
import io.nyala.time.HistoryMark;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * An open tablet of a host, and how many scans and batches use it: after it was dropped it is taken down when the last
 * of them has ended.
 *
 * <p>Thread-safe.
 */
public final class HostedTablet {
    /** In the count of holds: no more of them. */
    private static final int DROPPED = Integer.MIN_VALUE;

    private final TabletPlace place;
    private final Tablet tablet;
    private final AtomicInteger holds = new AtomicInteger();
    private final Map<Long, HistoryMark.Hold> pins = new HashMap<>(); // Guarded by this.

    public HostedTablet(TabletPlace place, Tablet tablet) {
        this.place = place;
        this.tablet = tablet;
    }

    public long id() {
        return place.id();
    }

    public Partition partition() {
        return place.partition();
    }

    public TabletPlace place() {
        return place;
    }

    public Tablet tablet() {
        return tablet;
    }

    /**
     * Keeps history from these times on, whatever its age, and from others no longer; false, and nothing is changed, if
     * it was given up.
     */
    public synchronized boolean pin(Collection<Long> times) {
        Map<Long, HistoryMark.Hold> added = new HashMap<>();
        for (long time : new TreeSet<>(times)) {
            if (!pins.containsKey(time)) {
                HistoryMark.Hold hold = tablet.time().history().tryHold(time);
                if (hold == null) {
                    added.values().forEach(HistoryMark.Hold::close);
                    return false;
                }
                added.put(time, hold);
            }
        }
        pins.putAll(added);
        for (long time : List.copyOf(pins.keySet())) {
            if (!times.contains(time)) {
                Objects.requireNonNull(pins.remove(time)).close();
            }
        }
        return true;
    }

    /** What {@code looking} finds in the tablet while nobody closes it; empty if it was dropped. */
    public <T> Optional<T> look(TableHost host, Function<Tablet, T> looking) {
        if (!tryHold()) {
            return Optional.empty();
        }
        try {
            return Optional.of(looking.apply(tablet));
        } finally {
            letGo(host);
        }
    }

    /** Keeps the tablet open for a scan or a batch; false if it was dropped. {@link #letGo} follows. */
    boolean tryHold() {
        int before = holds.get();
        while (before >= 0) {
            if (holds.compareAndSet(before, before + 1)) {
                return true;
            }
            before = holds.get();
        }
        return false;
    }

    void letGo(TableHost host) {
        if (holds.decrementAndGet() == DROPPED) {
            host.tabletIsFree();
        }
    }

    /** What is heard by who wanted to use it. */
    public TableDroppedException droppedReason() {
        return new TableDroppedException(
                "tablet " + id() + " was dropped, or its table was changed; get the table from its engine again");
    }

    /** Nobody can hold it from now on, but who does. */
    public void drop() {
        holds.getAndUpdate(before -> before | DROPPED);
    }

    /** Whether it was dropped and nobody holds it. */
    public boolean isFree() {
        return holds.get() == DROPPED;
    }
}
