package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.trino.tpch.LineItem;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Goal: the reference sums are TPC-H's, and a difference is named.
 * Method: the same sums once more by decimals, and sums that were made to differ.
 */
final class LineItemSumsTest {
    private static final BigDecimal ONE = BigDecimal.ONE;

    @Test
    void sumsAreThoseOfExactDecimals() {
        LineItemSums sums = new LineItemSums();
        Map<String, BigDecimal> charges = new TreeMap<>();
        BigDecimal revenue = BigDecimal.ZERO;
        for (Iterator<LineItem> rows = LineItems.part(0.001, 0, 1); rows.hasNext(); ) {
            LineItem item = rows.next();
            sums.add(item);
            LocalDate shipped = LocalDate.ofEpochDay(item.getShipDate());
            BigDecimal price = BigDecimal.valueOf(item.getExtendedPrice());
            BigDecimal discount = BigDecimal.valueOf(item.getDiscount());
            BigDecimal charge =
                    price.multiply(ONE.subtract(discount)).multiply(ONE.add(BigDecimal.valueOf(item.getTax())));
            if (!shipped.isAfter(LocalDate.of(1998, 12, 1).minusDays(90))) {
                charges.merge(item.getReturnFlag() + "/" + item.getStatus(), charge, BigDecimal::add);
            }
            if (shipped.getYear() == 1994
                    && discount.subtract(new BigDecimal("0.06")).abs().compareTo(new BigDecimal("0.01")) <= 0
                    && item.getQuantity() < 24) {
                revenue = revenue.add(price.multiply(discount));
            }
        }
        assertEquals(4, charges.size());
        assertEquals(4, sums.groups().size());
        for (LineItemSums.Group group : sums.groups()) {
            BigDecimal expected = charges.get(group.name());
            assertNotNull(expected);
            assertEquals(0, expected.compareTo(group.sum(LineItemSums.CHARGE)), group.name());
        }
        assertEquals(0, revenue.compareTo(sums.revenue()));
    }

    @Test
    void partsTogetherAreTheWhole() {
        LineItemSums whole = new LineItemSums();
        LineItems.part(0.001, 0, 1).forEachRemaining(whole::add);
        LineItemSums parts = new LineItemSums();
        for (int part = 0; part < 3; part++) {
            LineItems.part(0.001, part, 3).forEachRemaining(parts::add);
        }
        assertEquals(whole.rows(), parts.rows());
        assertNull(parts.pricingDifference(whole));
        assertNull(parts.revenueDifference(whole));
    }

    @Test
    void namesGroupAndBothValuesWhereTheyDiffer() {
        LineItemSums one = new LineItemSums();
        LineItemSums other = new LineItemSums();
        other.addTo(LineItemSums.group('R', 'F') + LineItemSums.CHARGE, 1_234_567_890L);
        String difference = one.pricingDifference(other);
        assertNotNull(difference);
        assertTrue(
                difference.startsWith("Q1, group R/F: sum of charge is 0.000000, expected 1,234.567890"), difference);
        other.addRevenue(10_000, 1);
        assertEquals(
                "Q6: revenue is 0.0000 of 0 rows, expected 1.0000 of 1 from the generator's rows",
                one.revenueDifference(other));
    }
}
