package io.nyala.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.RowSetEntry;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: bars stand above one another exactly where rowsets share keys. Method: pictures of rowsets drawn at random,
 * read back and compared with their bounds; some by hand.
 */
final class RowSetPictureTest {
    private static final KeyCodec KEYS = new KeyCodec(new RowLayout(Schema.of(Column.key("id", ColumnType.INT32))));
    private static final Pattern BAR =
            Pattern.compile("<rect class=\"(?:rowset|changed)\" x=\"([0-9.]+)\" y=\"([0-9.]+)\" width=\"([0-9.]+)\"");

    private static RowSetEntry rowSet(long id, int least, int greatest, long bytes) {
        return new RowSetEntry(
                id, greatest - least + 1, bytes, KEYS.encodeValues(least), KEYS.encodeValues(greatest), 0, List.of());
    }

    private static List<double[]> bars(RowSetPicture picture) {
        List<double[]> bars = new ArrayList<>();
        Matcher bar = BAR.matcher(picture.draw().text());
        while (bar.find()) {
            double x = Double.parseDouble(bar.group(1));
            bars.add(new double[] {x, x + Double.parseDouble(bar.group(3)), Double.parseDouble(bar.group(2))});
        }
        return bars;
    }

    @Test
    void rowSetsBesideOneAnotherAreInOneLane() {
        RowSetPicture picture = RowSetPicture.of(List.of(rowSet(1, 0, 9, 300), rowSet(2, 10, 19, 100)), KEYS, Set.of());
        assertEquals(1, picture.laneCount());
        assertEquals("1.00", picture.height().text());
        List<double[]> bars = bars(picture);
        assertEquals(750, bars.get(0)[1] - bars.get(0)[0], 5); // As long as its bytes.
        assertEquals(1000, bars.get(1)[1], 1);
        assertTrue(picture.draw().text().contains("(id=19)"));
    }

    @Test
    void thoseToBeMergedHaveAFrame() {
        String drawn = RowSetPicture.of(
                        List.of(rowSet(1, 0, 9, 300), rowSet(2, 5, 19, 100), rowSet(3, 30, 40, 100)),
                        KEYS,
                        Set.of(1L, 2L))
                .draw()
                .text();
        assertEquals(2, drawn.split("class=\"rowset chosen\"", -1).length - 1, drawn);
        assertEquals(2, drawn.split("would be merged next", -1).length - 1, drawn);
        assertEquals(1, drawn.split("class=\"rowset\"", -1).length - 1, drawn);
    }

    @Test
    void rowSetsWithTheSameKeysAreAboveOneAnother() {
        RowSetPicture picture = RowSetPicture.of(
                List.of(rowSet(1, 0, 9, 100), rowSet(2, 0, 9, 100), rowSet(3, 0, 9, 100)), KEYS, Set.of());
        assertEquals(3, picture.laneCount());
        assertEquals("3.00", picture.height().text());
        assertEquals(3, bars(picture).stream().map(bar -> bar[2]).distinct().count());
    }

    @Test
    void aRowSetOfOneKeyCanBeSeen() {
        RowSetPicture picture = RowSetPicture.of(List.of(rowSet(1, 5, 5, 100)), KEYS, Set.of());
        List<double[]> bars = bars(picture);
        assertTrue(bars.getFirst()[1] - bars.getFirst()[0] >= 1);
        assertEquals("1.00", picture.height().text());
    }

    @Test
    void whatHasChangedHasAnotherColour() {
        RowSetEntry changed = rowSet(1, 0, 9, 100).with(List.of(new DeltaFileEntry(7, 1024, 3, 1)), 5);
        String text = RowSetPicture.of(List.of(changed), KEYS, Set.of()).draw().text();
        assertTrue(text.contains("class=\"changed\""), text);
        assertTrue(text.contains("1 delta file of 1.0 KiB"), text);
    }

    @RepeatedTest(32)
    void barsMeetWhereKeysDo(@Seed SplittableRandom random) {
        List<RowSetEntry> rowSets = new ArrayList<>();
        int count = random.nextInt(1, 40);
        int keys = random.nextInt(1, 100);
        for (int i = 0; i < count; i++) {
            int least = random.nextInt(keys);
            rowSets.add(rowSet(i + 1, least, random.nextInt(least, keys), random.nextLong(1, 1 << 20)));
        }
        rowSets.sort(Comparator.comparing(RowSetEntry::minKey, Arrays::compareUnsigned)
                .thenComparingLong(RowSetEntry::fileId));
        RowSetPicture picture = RowSetPicture.of(rowSets, KEYS, Set.of());
        List<double[]> bars = bars(picture);
        assertEquals(count, bars.size());
        int most = 0;
        for (int key = 0; key < keys; key++) {
            byte[] encoded = KEYS.encodeValues(key);
            most = Math.max(most, (int) rowSets.stream()
                    .filter(each -> Arrays.compareUnsigned(each.minKey(), encoded) <= 0
                            && Arrays.compareUnsigned(encoded, each.maxKey()) <= 0)
                    .count());
        }
        assertEquals(most, picture.laneCount());
        for (int i = 0; i < count; i++) {
            assertTrue(bars.get(i)[0] >= 0 && bars.get(i)[1] <= 1003, "out of the picture");
            for (int j = 0; j < i; j++) {
                boolean meets = Arrays.compareUnsigned(
                                rowSets.get(i).minKey(), rowSets.get(j).maxKey())
                        <= 0;
                boolean isSameLane = bars.get(i)[2] == bars.get(j)[2];
                assertTrue(!(meets && isSameLane), "two in one lane share keys");
                assertTrue(!meets || bars.get(i)[0] <= bars.get(j)[1] + 0.2, "drawn apart, though they share keys");
                assertTrue(meets || bars.get(i)[0] >= bars.get(j)[1] - 2.3, "drawn together, though they share none");
            }
        }
    }
}
