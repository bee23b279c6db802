package io.nyala.web;

import io.nyala.rows.KeyCodec;
import io.nyala.tablet.RowSetEntry;
import io.nyala.text.Figures;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;

/**
 * Where the rowsets of a tablet lie among its keys: each a bar from its least to its greatest key, in the lowest lane
 * that has room.
 *
 * <pre>{@code
 *          +---------------------+
 *          |          3          |                        a key in the middle may be in three of them
 *   +------+-------+ +-----------+----+
 *   |      2       | |       4        |
 *   +--------------+-+----------------+------+
 *   |                   1                    |
 *   +----------------------------------------+
 *   least key                     greatest key
 * }</pre>
 *
 * <p>Keys have no distances. So the line of keys is stretched by data, as in Kudu's diagram: between two neighbouring
 * bounds it is as long as the rowsets there have bytes, if each is spread evenly over what lies between its bounds.
 * Immutable.
 */
final class RowSetPicture {
    private static final int WIDTH = 1000;
    private static final int LANE_HEIGHT = 16;

    /** Higher ones are not drawn: who has so many must merge, not look. */
    private static final int LANES_MAX = 100;

    /** Bars of one key can be seen, too. */
    private static final double BAR_MIN = 2;

    /** Room for a name in a bar. */
    private static final int NAME_MIN = 40;

    private final List<Bar> bars;
    private final int laneCount;
    private final String leastKey;
    private final String greatestKey;

    /** A rowset, its place on the line of keys in pictures' widths, its lane, and what is said of it. */
    private record Bar(RowSetEntry rowSet, double from, double to, int lane, boolean isChosen, String words) {
        String style() {
            return (rowSet.deltas().isEmpty() ? "rowset" : "changed") + (isChosen ? " chosen" : "");
        }

        double width() {
            return Math.max(BAR_MIN / WIDTH, to - from);
        }
    }

    private RowSetPicture(List<Bar> bars, int laneCount, String leastKey, String greatestKey) {
        this.bars = bars;
        this.laneCount = laneCount;
        this.leastKey = leastKey;
        this.greatestKey = greatestKey;
    }

    /**
     * Of at least one rowset.
     *
     * @param rowSets by their least keys
     * @param chosen files of those that would be merged next
     */
    static RowSetPicture of(List<RowSetEntry> rowSets, KeyCodec keys, Set<Long> chosen) {
        NavigableMap<byte[], Double> places = places(rowSets);
        List<byte[]> laneEnds = new ArrayList<>();
        List<Bar> bars = new ArrayList<>();
        for (RowSetEntry rowSet : rowSets) {
            int lane = 0;
            while (lane < laneEnds.size() && Arrays.compareUnsigned(laneEnds.get(lane), rowSet.minKey()) >= 0) {
                lane++;
            }
            if (lane == laneEnds.size()) {
                laneEnds.add(rowSet.maxKey());
            } else {
                laneEnds.set(lane, rowSet.maxKey());
            }
            double from = places.getOrDefault(rowSet.minKey(), 0.0);
            double to = places.getOrDefault(rowSet.maxKey(), 1.0);
            boolean isChosen = chosen.contains(rowSet.fileId());
            bars.add(new Bar(rowSet, from, to, lane, isChosen, words(rowSet, isChosen, keys)));
        }
        return new RowSetPicture(
                List.copyOf(bars),
                laneEnds.size(),
                Cell.cut(keys.describe(places.firstKey())),
                Cell.cut(keys.describe(places.lastKey())));
    }

    private static String words(RowSetEntry rowSet, boolean isChosen, KeyCodec keys) {
        String deltas = rowSet.deltas().isEmpty()
                ? ""
                : ", " + Figures.count(rowSet.deltas().size(), "delta file", "delta files") + " of "
                        + Figures.bytes(rowSet.deltaBytes());
        return "rowset " + rowSet.fileId() + ": " + Figures.count(rowSet.rowCount(), "row", "rows") + ", "
                + Figures.bytes(rowSet.fileBytes()) + deltas + (isChosen ? ", would be merged next" : "") + "\n"
                + Cell.cut(keys.describe(rowSet.minKey())) + " to "
                + Cell.cut(keys.describe(rowSet.maxKey()));
    }

    /** Of each bound, from 0 to 1. */
    private static NavigableMap<byte[], Double> places(List<RowSetEntry> rowSets) {
        NavigableMap<byte[], Double> places = new TreeMap<>(Arrays::compareUnsigned);
        for (RowSetEntry rowSet : rowSets) {
            places.put(rowSet.minKey(), 0.0);
            places.put(rowSet.maxKey(), 0.0);
        }
        // What each rowset adds to the density of bytes from its least key on, and takes back at its greatest.
        List<byte[]> bounds = new ArrayList<>(places.keySet());
        NavigableMap<byte[], Integer> indexes = new TreeMap<>(Arrays::compareUnsigned);
        for (int i = 0; i < bounds.size(); i++) {
            indexes.put(bounds.get(i), i);
        }
        double[] change = new double[bounds.size()];
        for (RowSetEntry rowSet : rowSets) {
            int from = indexes.getOrDefault(rowSet.minKey(), 0);
            int to = indexes.getOrDefault(rowSet.maxKey(), 0);
            if (from < to) {
                double density = (double) Math.max(1, rowSet.fileBytes()) / (to - from);
                change[from] += density;
                change[to] -= density;
            }
        }
        double[] at = new double[bounds.size()];
        double density = 0;
        for (int i = 1; i < at.length; i++) {
            density += change[i - 1];
            at[i] = at[i - 1] + Math.max(1, density); // A gap that nobody has is seen as one, hardly.
        }
        double whole = Math.max(1, at[at.length - 1]);
        for (int i = 0; i < at.length; i++) {
            places.put(bounds.get(i), at[i] / whole);
        }
        return places;
    }

    /** In how many rowsets a key may be, on average over the data: what a look-up costs, and a merge could save. */
    Cell height() {
        double height = bars.stream().mapToDouble(bar -> bar.to() - bar.from()).sum();
        double rounded = Math.round(Math.max(1, height) * 100) / 100.0;
        return Cell.text(String.format(Locale.ROOT, "%.2f", rounded)).withValue(rounded, "");
    }

    /** Most rowsets that a key may be in. */
    int laneCount() {
        return laneCount;
    }

    String words() {
        return Figures.count(bars.size(), "rowset", "rowsets") + " over the keys of the tablet; where bars stand above"
                + " one another, a key may be in each of them. The line of keys is stretched by data. Those with delta"
                + " files have another colour, those that would be merged next a frame"
                + (laneCount > LANES_MAX ? "; the lowest " + LANES_MAX + " of " + laneCount + " lanes." : ".");
    }

    Svg draw() {
        int lanes = Math.min(laneCount, LANES_MAX);
        int bottom = lanes * LANE_HEIGHT;
        Svg svg = new Svg("layout", WIDTH, bottom + 18, "Rowsets over the keys of the tablet");
        for (Bar bar : bars) {
            if (bar.lane() >= lanes) {
                continue;
            }
            double x = Math.min(WIDTH - BAR_MIN, bar.from() * WIDTH);
            double width = bar.width() * WIDTH;
            int y = bottom - (bar.lane() + 1) * LANE_HEIGHT;
            svg.box(bar.style(), x, y, width, LANE_HEIGHT - 2, bar.words());
            if (width >= NAME_MIN) {
                svg.label("in", x + 4, y + 10.5, Long.toString(bar.rowSet().fileId()));
            }
        }
        svg.label("axis", 0, bottom + 13, shortened(leastKey));
        svg.label("axis end", WIDTH, bottom + 13, shortened(greatestKey));
        return svg;
    }

    /** So that both fit below the picture. */
    private static String shortened(String key) {
        return key.length() <= 70 ? key : key.substring(0, 67) + "...";
    }
}
