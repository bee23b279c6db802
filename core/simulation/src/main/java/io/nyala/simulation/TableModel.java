package io.nyala.simulation;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What a table must answer: a sorted map of keys, each with all its versions. Slow, obvious, and the judge of the
 * engine in tests.
 *
 * <p>Keys are whatever the test orders by (encoded keys as a comparable); a row is a list of values, null for NULL. One
 * thread.
 *
 * @param <K> keys, ordered as the table orders them
 */
public final class TableModel<K extends Comparable<K>> {
    private final NavigableMap<K, List<Version>> rows = new TreeMap<>();
    private final NavigableMap<K, List<@Nullable Object>> newest = new TreeMap<>();

    /**
     * One state of a row, from {@code time} on; {@code values} null when it was deleted.
     *
     * @param set which columns it differs in from the one before, or might; null if it is not another state of the same
     *     row, but its beginning or end
     */
    @SuppressWarnings("ArrayRecordComponent") // Not to be changed, nor compared.
    private record Version(long time, @Nullable List<@Nullable Object> values, boolean @Nullable [] set) {
        boolean isChange() {
            if (set == null) {
                return true;
            }
            for (boolean each : set) {
                if (each) {
                    return true;
                }
            }
            return false;
        }
    }

    /** A row that changed: as it is at the end, or, if it is deleted, as it was just before its first deletion. */
    public record Changed(List<@Nullable Object> values, boolean isDeleted) {}

    /** What an operation did. */
    public enum Outcome {
        DONE,
        /** An {@code _IGNORE} kind that had nothing to do. */
        IGNORED,
        ALREADY_PRESENT,
        NOT_FOUND
    }

    /** The newest values of a row, or null if there is none. */
    public @Nullable List<@Nullable Object> newest(K key) {
        return newest.get(key);
    }

    /** All rows of the newest state, in key order. A view. */
    public NavigableMap<K, List<@Nullable Object>> newest() {
        return Collections.unmodifiableNavigableMap(newest);
    }

    /** The values of a row at {@code snapshot}, or null if there was none. */
    public @Nullable List<@Nullable Object> at(K key, long snapshot) {
        List<Version> versions = rows.getOrDefault(key, List.of());
        int from = 0;
        int to = versions.size();
        while (from < to) {
            int middle = (from + to) >>> 1;
            if (versions.get(middle).time() <= snapshot) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        return from == 0 ? null : versions.get(from - 1).values();
    }

    /** All rows at {@code snapshot}, in key order. */
    public NavigableMap<K, List<@Nullable Object>> allAt(long snapshot) {
        NavigableMap<K, List<@Nullable Object>> seen = new TreeMap<>();
        for (K key : rows.keySet()) {
            List<@Nullable Object> values = at(key, snapshot);
            if (values != null) {
                seen.put(key, values);
            }
        }
        return seen;
    }

    /** What changed after one time, and not after another, in key order. */
    public NavigableMap<K, Changed> changes(long start, long end) {
        NavigableMap<K, Changed> seen = new TreeMap<>();
        rows.forEach((key, versions) -> {
            boolean isAny = versions.stream()
                    .anyMatch(version -> version.time() > start && version.time() <= end && version.isChange());
            List<@Nullable Object> before = at(key, start);
            List<@Nullable Object> after = at(key, end);
            if (isAny && after != null) {
                seen.put(key, new Changed(after, false));
            } else if (isAny && before != null) {
                seen.put(key, new Changed(beforeDeletion(key, start), true));
            }
        });
        return seen;
    }

    /** What a row was when it was deleted for the first time after a time at which it was there. */
    private List<@Nullable Object> beforeDeletion(K key, long start) {
        long time = rows.getOrDefault(key, List.of()).stream()
                .filter(version -> version.time() > start && version.values() == null)
                .mapToLong(Version::time)
                .min()
                .orElseThrow();
        return Objects.requireNonNull(at(key, time - 1));
    }

    /** Another model with the same history. */
    public TableModel<K> copy() {
        TableModel<K> copy = new TableModel<>();
        rows.forEach((key, versions) -> copy.rows.put(key, new ArrayList<>(versions)));
        copy.newest.putAll(newest);
        return copy;
    }

    /**
     * The same history with other columns: each state of each row, old ones too, is what the change makes of it.
     *
     * @param columns what it makes of one boolean for each column; false for those that are new
     */
    public TableModel<K> withRows(UnaryOperator<List<@Nullable Object>> change, UnaryOperator<boolean[]> columns) {
        TableModel<K> changed = new TableModel<>();
        rows.forEach((key, versions) -> {
            for (Version version : versions) {
                List<@Nullable Object> values = version.values();
                boolean[] set = version.set();
                changed.put(
                        key,
                        version.time(),
                        values == null ? null : change.apply(values),
                        set == null ? null : columns.apply(set));
            }
        });
        return changed;
    }

    public Outcome insert(K key, long time, List<@Nullable Object> values, boolean ignoring) {
        if (newest(key) != null) {
            return ignoring ? Outcome.IGNORED : Outcome.ALREADY_PRESENT;
        }
        put(key, time, values, null);
        return Outcome.DONE;
    }

    /** Inserts {@code values}, or changes those of an existing row that are {@code set}. */
    public Outcome upsert(K key, long time, List<@Nullable Object> values, boolean[] set) {
        if (newest(key) == null) {
            put(key, time, values, null);
            return Outcome.DONE;
        }
        return update(key, time, values, set, false);
    }

    /** Changes the values of an existing row that are {@code set}. */
    public Outcome update(K key, long time, List<@Nullable Object> values, boolean[] set, boolean ignoring) {
        List<@Nullable Object> before = newest(key);
        if (before == null) {
            return ignoring ? Outcome.IGNORED : Outcome.NOT_FOUND;
        }
        List<@Nullable Object> after = new ArrayList<>(before);
        boolean isChange = false;
        for (int i = 0; i < set.length; i++) {
            if (set[i]) {
                after.set(i, values.get(i));
                isChange = true;
            }
        }
        if (isChange) {
            put(key, time, after, set.clone());
        }
        return Outcome.DONE;
    }

    public Outcome delete(K key, long time, boolean ignoring) {
        if (newest(key) == null) {
            return ignoring ? Outcome.IGNORED : Outcome.NOT_FOUND;
        }
        put(key, time, null, null);
        return Outcome.DONE;
    }

    /** Forgets every version newer than {@code time}: what a power cut may do to what was not acknowledged. */
    public void cutAfter(long time) {
        rows.values().forEach(versions -> versions.removeIf(version -> version.time() > time));
        rows.values().removeIf(List::isEmpty);
        newest.clear();
        rows.forEach((key, versions) -> {
            List<@Nullable Object> values = versions.getLast().values();
            if (values != null) {
                newest.put(key, values);
            }
        });
    }

    private void put(K key, long time, @Nullable List<@Nullable Object> values, boolean @Nullable [] set) {
        List<Version> versions = rows.computeIfAbsent(key, _ -> new ArrayList<>());
        if (!versions.isEmpty() && versions.getLast().time() > time) {
            throw new IllegalArgumentException("a version at " + time + " after one at "
                    + versions.getLast().time() + " of " + key);
        }
        List<@Nullable Object> copy = values == null ? null : Collections.unmodifiableList(new ArrayList<>(values));
        versions.add(new Version(time, copy, set));
        if (copy == null) {
            newest.remove(key);
        } else {
            newest.put(key, copy);
        }
    }
}
