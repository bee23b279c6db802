package io.nyala.tablet;

import io.nyala.memrowset.CarryOver;
import io.nyala.memrowset.MemRowSet;
import io.nyala.memrowset.Place;
import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A MemRowSet and, once it was flushed, the rowsets on disk that hold its rows since. Whoever still has it in hand, and
 * has entered the tablet's epochs, looks here first: outputs present means that the memory may be gone after leaving.
 */
final class FreshRows implements RowHome {
    /**
     * Changes that a sealed one takes. They are copied at the end of its flush, when no other memory may be left than
     * what is set aside for changes of rows on disk.
     */
    static final long LATE_BYTES_MAX = 1 << 20;

    /** They are no more than this, and the batch with which they have all of these bytes. */
    static final long LATE_CHANGES_MAX = LATE_BYTES_MAX / CarryOver.CHANGE_BYTES_MIN;

    private final MemRowSet rows;
    private final ExpectedChanges expected = new ExpectedChanges();
    private volatile @Nullable List<LiveRowSet> outputs;
    private long retiredInVersion = Long.MAX_VALUE;

    /** Who may still go on in the outputs: the map with its readers, and scans. */
    private final AtomicInteger holds = new AtomicInteger(1);

    private long bytesAtSeal;

    FreshRows(MemRowSet rows) {
        this.rows = rows;
    }

    MemRowSet rows() {
        return rows;
    }

    /** The rowsets that replaced it, in key order; null while it serves itself. */
    @Nullable
    List<LiveRowSet> outputs() {
        return outputs;
    }

    /** First version of the map in which it is no longer; only the writer asks. */
    long retiredInVersion() {
        return retiredInVersion;
    }

    void retire(List<LiveRowSet> newOutputs, long version) {
        assert outputs == null : "MemRowSet " + rows.id() + " is retired twice";
        retiredInVersion = version;
        newOutputs.forEach(LiveRowSet::hold); // Until nobody holds this.
        outputs = List.copyOf(newOutputs);
    }

    /** As {@link LiveRowSet#hold}. */
    void hold() {
        int before = holds.getAndIncrement();
        assert before > 0 : "MemRowSet " + rows.id() + " is held after its end";
    }

    void letGo() {
        if (holds.decrementAndGet() == 0) { // So it was retired.
            Objects.requireNonNull(outputs, "the map holds what is not retired").forEach(LiveRowSet::letGo);
        }
    }

    // ---- The writer's part, once it is sealed ----

    void seal() {
        rows.seal();
        bytesAtSeal = rows.usedBytes();
    }

    /** They go with the rows. */
    @Override
    public long flushableChangeBytes() {
        return 0;
    }

    @Override
    public boolean isFull() {
        return rows.usedBytes() - bytesAtSeal > LATE_BYTES_MAX;
    }

    /** The live row with this key, or 0. */
    long findLive(MemorySegment memory, long key, int keyBytes) {
        long row = rows.find(memory, key, keyBytes);
        return row != 0 && rows.isLive(row) ? row : 0;
    }

    /** The rowset that a row went to. */
    LiveRowSet outputOf(long row) {
        return Objects.requireNonNull(outputs, "not flushed yet").get(Place.output(rows.place(row)));
    }

    /** Of a row, in its {@link #outputOf}. */
    int ordinalOf(long row) {
        return Place.ordinal(rows.place(row));
    }

    @Override
    public boolean isLive(long place) {
        return rows.isLive(place);
    }

    @Override
    public Verdict test(long place, RowLayout layout, int column, MemorySegment memory, long cell) {
        return Verdict.of(rows.isEqual(place, column, memory, cell));
    }

    @Override
    public boolean expectChange(int effectBytesMax) {
        return expected.add(effectBytesMax);
    }

    @Override
    public boolean reserveExpected(long nextSequence) {
        boolean isReserved = rows.reserve(expected.bytes(), expected.count(), expected.largest());
        expected.clear();
        return isReserved;
    }

    @Override
    public void apply(long place, MemorySegment memory, long effect, long time) {
        rows.applyTo(place, memory, effect, time);
    }

    @Override
    public void batchEnds() {
        rows.batchEnds();
    }
}
