package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.trino.tpch.LineItem;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Goal: changes concern the share of rows that they say, and change the sums that are expected of a table.
 * Method: counts over the generator's rows, and sums with and without changes.
 */
final class LineItemChangeTest {
    private static final double TOLERANCE = 0.2;

    private final List<LineItem> items = new ArrayList<>();

    LineItemChangeTest() {
        LineItems.part(0.001, 0, 1).forEachRemaining(items::add);
    }

    @Test
    void concernsTheShareOfRowsThatItSays() {
        Map<LineItemChange, Integer> counts = new EnumMap<>(LineItemChange.class);
        items.forEach(item -> counts.merge(LineItemChange.of(item), 1, Integer::sum));
        double share = (double) items.size() / LineItemChange.ONE_IN;
        assertEquals(share, counts.getOrDefault(LineItemChange.DELETE, 0), TOLERANCE * share);
        assertEquals(2 * share, counts.getOrDefault(LineItemChange.UPDATE, 0), TOLERANCE * 2 * share);
    }

    @Test
    void changesWhatIsExpected() {
        LineItemSums before = new LineItemSums();
        LineItemSums after = new LineItemSums();
        LineItemSums kept = new LineItemSums();
        for (LineItem item : items) {
            before.add(item);
            LineItemChange.of(item).addTo(after, item);
            if (LineItemChange.of(item) == LineItemChange.NONE) {
                kept.add(item);
            }
        }
        assertTrue(kept.rows() < after.rows() && after.rows() < before.rows(), after.rows() + " rows");
        assertNotNull(after.pricingDifference(before));
        assertNotNull(after.pricingDifference(kept));
        assertNotNull(after.revenueDifference(before));
        assertNotNull(after.revenueDifference(kept));
    }
}
