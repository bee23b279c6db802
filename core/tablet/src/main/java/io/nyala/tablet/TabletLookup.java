package io.nyala.tablet;

import io.nyala.cfile.KeyFilter;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.RowLookup;
import io.nyala.memory.MemoryAccount;
import io.nyala.memrowset.MemRowSetLookup;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.KeyIntervals;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.ScanSpec;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a tablet by their keys, of many keys together: those in memory first, then those on disk, whose pages are
 * read in two rounds for all rowsets together, of keys and of rows.
 *
 * <pre>{@code
 *   lookup.begin(memory, count); lookup.add(operation) ...; lookup.end();
 *   while (!lookup.next(snapshot, batch, keyOfRow)) { use the batch, which is full; batch.clear(); }
 *   use the batch
 * }</pre>
 *
 * <p>One thread, for as many keys as it likes; up to 256 are inside the tablet's epochs at a time, and it holds nothing
 * of the tablet between two calls. It allocates nothing for rows that have no changes in their rowset, once it has seen
 * where rows are. The memory that it takes is that of the largest row.
 */
public final class TabletLookup implements AutoCloseable {
    /** The newest state: all that was acknowledged before. For keys that one call of {@link #next} answers. */
    public static final long LATEST = -1; // No time: 0 is that of a tablet that was never written to.

    /** Keys that are looked for together. */
    private static final int KEYS_MAX = 256;

    /** Room for these to begin with: a scan of one key makes a look-up for it, and looks into few rowsets. */
    private static final int CANDIDATES_MIN = 16;

    private static final int NO_ROWSET = -1;

    private final Tablet tablet;
    private final ScanSpec spec;
    private final MemoryAccount account;
    private final RowLookup onDisk;
    private final KeyOrder order = new KeyOrder();

    // By operation, in the order in which they were added.
    private int[] indexes = {}; // In their batch.
    private boolean[] isDone = {};

    /** Of the keys, in their order, so many are done. */
    private int doneCount;

    // Where rows are, by the map that was seen last.
    private long mapVersion = -1;
    private long seenSnapshot;
    private final List<FreshRows> fresh = new ArrayList<>();
    private final List<MemRowSetLookup> inMemory = new ArrayList<>();
    private RowLookup.@Nullable InRowSet[] rowSets = {}; // By position; null where nothing was looked for yet.
    private IdentityHashMap<DiskRowSet, RowLookup.InRowSet> known = new IdentityHashMap<>(); // All of this map.

    /** The rowset in which look-ups have begun: one at a time, so that few pages are pinned. */
    private int present = NO_ROWSET;

    // What may be the row of a key, in the order of keys.
    private int[] operations = {};
    private int[] positions = {};
    private long[] hashes = {};
    private int[] vectors = {};
    private long[] ordinals = {};
    private int candidateCount;

    // Since it was made.
    private long memRowSetsAsked;
    private long filtersAsked;
    private long keysLookedUp;
    private long deltasApplied;

    /**
     * What look-ups took.
     *
     * @param memRowSets that were asked for a key
     * @param filters of rowsets in whose range a key was: all of them, if it is in none
     * @param keyLookUps in the key columns of those whose filters let a key through
     * @param deltas files, and stores in memory, that were asked how a row has changed
     */
    public record Effort(long memRowSets, long filters, long keyLookUps, long deltas) {
        public static final Effort NONE = new Effort(0, 0, 0, 0);

        public Effort plus(Effort more) {
            return new Effort(
                    memRowSets + more.memRowSets,
                    filters + more.filters,
                    keyLookUps + more.keyLookUps,
                    deltas + more.deltas);
        }
    }

    /**
     * @param spec its schema is that of the tablet; what counts is what it projects, and its predicates
     * @param account pays for one row
     */
    public TabletLookup(Tablet tablet, ScanSpec spec, MemoryAccount account) {
        this.tablet = tablet;
        this.spec = spec;
        this.account = account;
        this.onDisk = new RowLookup(spec, account);
    }

    /** Forgets all keys; at most {@code count} others follow, of operations in native memory. */
    public void begin(MemorySegment memory, int count) {
        order.begin(memory, count);
        doneCount = 0;
        if (isDone.length < count) {
            isDone = new boolean[Math.max(count, 2 * isDone.length)];
            indexes = new int[isDone.length];
        }
    }

    /** Adds the key of an operation. */
    public void add(long operation) {
        int added = order.count();
        isDone[added] = false;
        indexes[added] = OperationFormat.operationIndex(order.memory(), operation);
        order.add(operation);
    }

    /** All keys were added. */
    public void end() {
        order.sort();
    }

    /**
     * Appends the rows that are there at the snapshot, and match, to a batch, in no particular order, each once for
     * each key that is its own; false if some that may be there had no room.
     *
     * @param keyOfRow takes for each row of the batch the index of the operation that has its key
     * @throws MissingRowSetException if a key may be in a rowset that cannot be read
     */
    public boolean next(long snapshot, ColumnBatch target, int[] keyOfRow) {
        boolean hadRoom;
        do {
            hadRoom = answerSome(snapshot, target, keyOfRow);
        } while (hadRoom && doneCount < order.count());
        return hadRoom;
    }

    /** Nothing that was flushed meanwhile stays in memory for longer, however many keys there are. */
    private boolean answerSome(long snapshot, ColumnBatch target, int[] keyOfRow) {
        int ticket = tablet.enter();
        try {
            return answer(snapshot, target, keyOfRow);
        } finally {
            onDisk.forget(); // What it noted before it failed: those files may be closed by the next call.
            leave();
            tablet.exit(ticket);
        }
    }

    /** What it took so far. */
    public Effort effort() {
        return new Effort(memRowSetsAsked, filtersAsked, keysLookedUp, deltasApplied);
    }

    /** The snapshot that the last rows are of. */
    public long snapshot() {
        return seenSnapshot;
    }

    private boolean answer(long wanted, ColumnBatch target, int[] keyOfRow) {
        RowSetMap map = tablet.map();
        long snapshot = wanted;
        if (wanted == LATEST) {
            snapshot = tablet.visible();
            while (tablet.map().version() != map.version()) { // It has all rows of the snapshot, and their history.
                map = tablet.map();
                snapshot = tablet.visible();
            }
        }
        seenSnapshot = snapshot;
        if (mapVersion != map.version()) {
            see(map);
        }
        do {
            int end = Math.min(order.count(), doneCount + KEYS_MAX);
            if (!answer(map, end, snapshot, target, keyOfRow)) {
                return false;
            }
            doneCount = end;
        } while (wanted == LATEST && doneCount < order.count()); // All of them as they are now.
        return true;
    }

    private boolean answer(RowSetMap map, int end, long snapshot, ColumnBatch target, int[] keyOfRow) {
        candidateCount = 0;
        for (int rank = doneCount; rank < end; rank++) {
            int operation = order.operation(rank);
            if (isDone[operation]) {
                continue;
            }
            switch (findInMemory(operation, snapshot, target)) {
                case APPENDED -> done(operation, target, keyOfRow);
                case NO_ROOM -> {
                    return false;
                }
                case NOTHING -> collect(map, operation);
            }
        }
        filter(map);
        findRows(map);
        return appendRows(map, snapshot, target, keyOfRow);
    }

    private void done(int operation, ColumnBatch target, int[] keyOfRow) {
        isDone[operation] = true;
        keyOfRow[target.rowCount() - 1] = indexes[operation];
    }

    // ---- In memory ----

    /** Rows may be elsewhere than before. */
    private void see(RowSetMap map) {
        mapVersion = -1; // Until all of it was seen.
        List<FreshRows> before = List.copyOf(fresh);
        List<MemRowSetLookup> lookups = List.copyOf(inMemory);
        fresh.clear();
        inMemory.clear();
        fresh.add(map.active());
        fresh.addAll(map.sealed());
        for (FreshRows rows : fresh) {
            int known = before.indexOf(rows);
            inMemory.add(known >= 0 ? lookups.get(known) : new MemRowSetLookup(rows.rows(), spec, account));
        }
        lookups.stream().filter(lookup -> !inMemory.contains(lookup)).forEach(MemRowSetLookup::close);
        keepKnown(map.rowSets());
        mapVersion = map.version();
    }

    /** Lets go of rowsets that are gone: they are closed, and their memory on the heap is of their size. */
    private void keepKnown(KeyIntervals<LiveRowSet> all) {
        IdentityHashMap<DiskRowSet, RowLookup.InRowSet> kept = new IdentityHashMap<>();
        rowSets = new RowLookup.@Nullable InRowSet[all.count()];
        for (int i = 0; i < rowSets.length; i++) {
            DiskRowSet base = all.value(i).base();
            RowLookup.InRowSet rowSet = known.get(base);
            if (rowSet != null) {
                rowSets[i] = rowSet;
                kept.put(base, rowSet);
            }
        }
        known = kept;
    }

    private MemRowSetLookup.Found findInMemory(int operation, long snapshot, ColumnBatch target) {
        for (int i = 0; i < inMemory.size(); i++) {
            if (fresh.get(i).rows().rowCount() > 0) {
                memRowSetsAsked++;
                MemRowSetLookup.Found found = inMemory.get(i)
                        .append(order.memory(), order.key(operation), order.keyBytes(operation), snapshot, target);
                if (found != MemRowSetLookup.Found.NOTHING) {
                    return found; // A row is live in one place at most.
                }
            }
        }
        return MemRowSetLookup.Found.NOTHING;
    }

    // ---- On disk ----

    /** Notes which rowsets may have a key. */
    private void collect(RowSetMap map, int operation) {
        MemorySegment memory = order.memory();
        long key = order.key(operation);
        int keyBytes = order.keyBytes(operation);
        throwIfMissing(map.unreadable(), memory, key, keyBytes);
        KeyIntervals<LiveRowSet> all = map.rowSets();
        int end = all.end(memory, key, keyBytes);
        int rank = all.rank(memory, key, keyBytes);
        long hash = KeyFilter.hash(memory, key, keyBytes);
        for (int i = all.next(0, end, rank); i < end; i = all.next(i + 1, end, rank)) {
            ensure(candidateCount + 1);
            operations[candidateCount] = operation;
            positions[candidateCount] = i;
            hashes[candidateCount++] = hash;
        }
    }

    private static void throwIfMissing(
            KeyIntervals<MissingRowSet> missing, MemorySegment memory, long key, int keyBytes) {
        if (missing.count() > 0) {
            int end = missing.end(memory, key, keyBytes);
            int first = missing.next(0, end, missing.rank(memory, key, keyBytes));
            if (first < end) {
                throw missing.value(first).refusal();
            }
        }
    }

    private void ensure(int capacity) {
        if (capacity > operations.length) {
            int larger = Math.max(CANDIDATES_MIN, 2 * capacity);
            operations = Arrays.copyOf(operations, larger);
            positions = Arrays.copyOf(positions, larger);
            hashes = Arrays.copyOf(hashes, larger);
            vectors = Arrays.copyOf(vectors, larger);
            ordinals = Arrays.copyOf(ordinals, larger);
        }
    }

    /**
     * Leaves what the filters let through, whose pages are read together where they are not cached, and notes the only
     * vectors that may have the keys: most are in none, which a filter says for less than it takes to find one.
     */
    private void filter(RowSetMap map) {
        int kept = 0;
        filtersAsked += candidateCount;
        for (int next = 0; next < candidateCount; ) {
            int end = next;
            while (end < candidateCount && inRowSet(map, positions[end]).noteFilter(hashes[end])) {
                end++;
            }
            onDisk.read();
            for (int windowEnd = Math.max(end, next + 1); next < windowEnd; next++) {
                boolean mayHave = inRowSet(map, positions[next]).mayHave(hashes[next]);
                int vector = mayHave ? vectorOf(map, positions[next], operations[next]) : -1;
                if (vector >= 0) {
                    operations[kept] = operations[next];
                    positions[kept] = positions[next];
                    vectors[kept++] = vector;
                }
            }
        }
        candidateCount = kept;
        keysLookedUp += kept;
    }

    private int vectorOf(RowSetMap map, int position, int operation) {
        DiskRowSet rowSet = map.rowSets().value(position).base();
        return rowSet.vectorOf(order.memory(), order.key(operation), order.keyBytes(operation));
    }

    /** Looks in the key columns: the first round of reads. */
    private void findRows(RowSetMap map) {
        for (int next = 0; next < candidateCount; ) {
            int end = next;
            while (end < candidateCount && at(map, positions[end]).noteKey(vectors[end])) {
                end++;
            }
            onDisk.read();
            for (int windowEnd = Math.max(end, next + 1); next < windowEnd; next++) {
                int operation = operations[next];
                ordinals[next] = at(map, positions[next])
                        .find(vectors[next], order.memory(), order.key(operation), order.keyBytes(operation));
            }
        }
    }

    /** Reads the rows: the second round. */
    private boolean appendRows(RowSetMap map, long snapshot, ColumnBatch target, int[] keyOfRow) {
        for (int next = 0; next < candidateCount; ) {
            int end = next;
            while (end < candidateCount && noteRow(map, end, snapshot)) {
                end++;
            }
            onDisk.read();
            for (int windowEnd = Math.max(end, next + 1); next < windowEnd; next++) {
                int operation = operations[next];
                if (ordinals[next] >= 0 && !isDone[operation] && assemble(map, next, snapshot)) {
                    if (!at(map, positions[next]).append(target)) {
                        return false;
                    }
                    done(operation, target, keyOfRow);
                }
            }
        }
        return true;
    }

    private boolean noteRow(RowSetMap map, int candidate, long snapshot) {
        return ordinals[candidate] < 0 || at(map, positions[candidate]).noteRow(ordinals[candidate], snapshot);
    }

    private boolean assemble(RowSetMap map, int candidate, long snapshot) {
        List<DeltaSource> redo = map.rowSets().value(positions[candidate]).redo();
        deltasApplied += redo.size();
        return at(map, positions[candidate]).assemble(ordinals[candidate], snapshot, redo);
    }

    /** Look-ups in a rowset, which begin. */
    private RowLookup.InRowSet at(RowSetMap map, int position) {
        RowLookup.InRowSet rowSet = inRowSet(map, position);
        if (position != present) {
            leave();
            rowSet.begin();
            present = position;
        }
        return rowSet;
    }

    private RowLookup.InRowSet inRowSet(RowSetMap map, int position) {
        RowLookup.InRowSet rowSet = rowSets[position];
        if (rowSet == null) {
            rowSet = known.computeIfAbsent(map.rowSets().value(position).base(), onDisk::in);
            rowSets[position] = rowSet;
        }
        return rowSet;
    }

    private void leave() {
        RowLookup.InRowSet left = present == NO_ROWSET ? null : rowSets[present];
        present = NO_ROWSET;
        if (left != null) {
            left.end();
        }
    }

    @Override
    public void close() {
        inMemory.forEach(MemRowSetLookup::close);
        onDisk.close();
    }
}
