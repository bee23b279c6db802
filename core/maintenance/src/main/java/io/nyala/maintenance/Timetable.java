package io.nyala.maintenance;

import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Whom to look at, and when: however many there are, nobody is looked at before his time. Of the same time the one
 * that was put in first comes first. One thread.
 */
final class Timetable<T> {
    private final Map<T, Entry<T>> entries = new HashMap<>();
    private final NavigableSet<Entry<T>> inOrder =
            new TreeSet<>(Comparator.<Entry<T>>comparingLong(Entry::at).thenComparingLong(Entry::number));
    private final long waitMax;
    private long entriesEver;

    private record Entry<T>(long at, long number, T whose) {}

    /** {@code waitMax}: nobody waits longer; who seems to is due, because the clock was set back. */
    Timetable(long waitMax) {
        this.waitMax = waitMax;
    }

    /** Whenever he was due before, he is then. */
    void put(T whose, long at) {
        remove(whose);
        var entry = new Entry<>(at, entriesEver++, whose);
        entries.put(whose, entry);
        inOrder.add(entry);
    }

    void remove(T whose) {
        Entry<T> entry = entries.remove(whose);
        if (entry != null) {
            inOrder.remove(entry);
        }
    }

    /** One who is due, and is in it no more; null if nobody is. */
    @Nullable
    T takeDue(long now) {
        if (microsToNext(now) > 0) {
            return null;
        }
        T whose = inOrder.first().whose();
        remove(whose);
        return whose;
    }

    /** Until somebody is due; {@link Long#MAX_VALUE} if there is nobody. */
    long microsToNext(long now) {
        if (inOrder.isEmpty()) {
            return Long.MAX_VALUE;
        }
        long left = inOrder.first().at() - now;
        return left <= waitMax ? Math.max(0, left) : 0;
    }

    boolean isEmpty() {
        return inOrder.isEmpty();
    }
}
