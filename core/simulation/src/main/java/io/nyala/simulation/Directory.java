package io.nyala.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A directory: the names that its users see, those that would survive, and the changes between the two. Guarded by the
 * disk's monitor.
 */
final class Directory implements Node {
    private final TreeMap<String, Node> live = new TreeMap<>();
    private final TreeMap<String, Node> durable = new TreeMap<>();
    private final List<Change> pending = new ArrayList<>();

    @Nullable
    Node find(String name) {
        return live.get(name);
    }

    Map<String, Node> entries() {
        return live;
    }

    void put(String name, Node node) {
        change(new Change(List.of(new Entry(name, node))));
    }

    void remove(String name) {
        change(new Change(List.of(new Entry(name, null))));
    }

    /** Renames within the directory: one change, which survives whole or not at all. */
    void move(String from, String to, Node node) {
        change(new Change(List.of(new Entry(from, null), new Entry(to, node))));
    }

    void sync() {
        pending.forEach(change -> change.apply(durable));
        pending.clear();
    }

    /** Forgets the changes without making them durable, as after a sync that failed. */
    void dropPending(Fate fate) {
        pending.removeIf(_ -> fate.coin());
    }

    /** What is there after a power cut: any of the unsynced changes may have survived. */
    void cutPower(Fate fate) {
        for (Change change : pending) {
            if (fate.survives()) {
                change.apply(durable);
            }
        }
        pending.clear();
        live.clear();
        live.putAll(durable);
        live.values().forEach(fate::cutPower);
    }

    /** A copy of all that is below, pending changes included. */
    Directory copy(Copies copies) {
        Directory copy = new Directory();
        live.forEach((name, node) -> copy.live.put(name, copies.of(node)));
        durable.forEach((name, node) -> copy.durable.put(name, copies.of(node)));
        for (Change change : pending) {
            copy.pending.add(new Change(change.entries().stream()
                    .map(entry -> new Entry(entry.name(), entry.node() == null ? null : copies.of(entry.node())))
                    .toList()));
        }
        return copy;
    }

    private void change(Change change) {
        change.apply(live);
        pending.add(change);
    }

    private record Entry(String name, @Nullable Node node) {}

    private record Change(List<Entry> entries) {
        void apply(Map<String, Node> names) {
            for (Entry entry : entries) {
                Node node = entry.node();
                if (node == null) {
                    names.remove(entry.name());
                } else {
                    names.put(entry.name(), node);
                }
            }
        }
    }
}
