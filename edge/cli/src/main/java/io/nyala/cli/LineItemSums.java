package io.nyala.cli;

import io.nyala.text.Figures;
import io.trino.tpch.LineItem;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What TPC-H's queries Q1 (pricing summary) and Q6 (forecast of revenue) ask for, as exact sums: decimals without their
 * point in 64 bits, an overflow is an error. The averages of Q1 follow from the sums.
 *
 * <pre>{@code
 *              unit                        the largest sum at scale 1, about
 *   quantity   1/100                       3.8e9
 *   price      1/100                       5.7e12
 *   discounted price * (1 - discount)      1/10^4    5.4e14
 *   charge     ... * (1 + tax)             1/10^6    5.6e16
 *   revenue    price * discount            1/10^4    1.2e12
 * }</pre>
 *
 * <p>Filled from the generator's rows by {@link #add(LineItem)}, from columns by {@link LineItemQueries}: two ways to
 * the same numbers. One thread; {@link #addAll} joins those of several.
 */
public final class LineItemSums {
    /** Q1: 90 days before the last day. */
    static final LocalDate SHIPPED_UNTIL = LocalDate.of(1998, 9, 2);

    /** Q6. */
    static final LocalDate SHIPPED_FROM = LocalDate.of(1994, 1, 1);

    static final LocalDate SHIPPED_BEFORE = SHIPPED_FROM.plusYears(1);
    static final BigDecimal DISCOUNT_MIN = new BigDecimal("0.05");
    static final BigDecimal DISCOUNT_MAX = new BigDecimal("0.07");
    static final int QUANTITY_BELOW = 24;

    static final int COUNT = 0;
    public static final int QUANTITY = 1;
    public static final int PRICE = 2;
    public static final int DISCOUNTED = 3;
    public static final int CHARGE = 4;
    static final int DISCOUNT = 5;

    /** Sums of one group of Q1. */
    static final int MEASURES = 6;

    private static final String[] NAMES = {
        "count", "sum of quantity", "sum of price", "sum of discounted price", "sum of charge", "sum of discount"
    };
    private static final int[] SCALES = {0, 2, 2, 4, 6, 2};
    private static final int REVENUE_SCALE = 4;
    private static final int AVERAGE_SCALE = 2;
    private static final int LETTERS = 26;
    private static final long ONE = 100;

    private final long[] groups = new long[LETTERS * LETTERS * MEASURES];
    private long revenue;
    private long revenueRows;
    private long rows;

    /** Counts a row of the generator in, where the queries' conditions hold. */
    void add(LineItem item) {
        rows++;
        long price = item.getExtendedPriceInCents();
        long discount = item.getDiscountPercent();
        if (item.getShipDate() <= SHIPPED_UNTIL.toEpochDay()) {
            int at = group(item.getReturnFlag().charAt(0), item.getStatus().charAt(0));
            long discounted = Math.multiplyExact(price, ONE - discount);
            addTo(at + COUNT, 1);
            addTo(at + QUANTITY, Math.multiplyExact(item.getQuantity(), ONE));
            addTo(at + PRICE, price);
            addTo(at + DISCOUNTED, discounted);
            addTo(at + CHARGE, Math.multiplyExact(discounted, ONE + item.getTaxPercent()));
            addTo(at + DISCOUNT, discount);
        }
        if (item.getShipDate() >= SHIPPED_FROM.toEpochDay()
                && item.getShipDate() < SHIPPED_BEFORE.toEpochDay()
                && discount >= DISCOUNT_MIN.unscaledValue().longValue()
                && discount <= DISCOUNT_MAX.unscaledValue().longValue()
                && item.getQuantity() < QUANTITY_BELOW) {
            addRevenue(Math.multiplyExact(price, discount), 1);
        }
    }

    /** Where the sums of a group begin; the measures follow each other. */
    static int group(int returnFlag, int lineStatus) {
        int flag = returnFlag - 'A';
        int status = lineStatus - 'A';
        if (flag < 0 || flag >= LETTERS || status < 0 || status >= LETTERS) {
            throw new CheckFailedException(
                    "a row has return flag 0x%x and line status 0x%x; both must be letters from A to Z"
                            .formatted(returnFlag, lineStatus));
        }
        return (flag * LETTERS + status) * MEASURES;
    }

    void addTo(int place, long value) {
        groups[place] = Math.addExact(groups[place], value);
    }

    void addRevenue(long value, long rowCount) {
        revenue = Math.addExact(revenue, value);
        revenueRows += rowCount;
    }

    void addAll(LineItemSums other) {
        for (int i = 0; i < groups.length; i++) {
            addTo(i, other.groups[i]);
        }
        addRevenue(other.revenue, other.revenueRows);
        rows += other.rows;
    }

    /** Rows of the generator that were added. */
    long rows() {
        return rows;
    }

    public BigDecimal revenue() {
        return BigDecimal.valueOf(revenue, REVENUE_SCALE);
    }

    public long revenueRows() {
        return revenueRows;
    }

    /** The groups that have rows, in order. */
    public List<Group> groups() {
        List<Group> found = new ArrayList<>();
        for (int i = 0; i < groups.length; i += MEASURES) {
            if (groups[i + COUNT] != 0) {
                found.add(new Group(i));
            }
        }
        return found;
    }

    /** Where Q1 of these sums differs from what is expected, or null. */
    @Nullable
    String pricingDifference(LineItemSums expected) {
        for (int i = 0; i < groups.length; i++) {
            if (groups[i] != expected.groups[i]) {
                int measure = i % MEASURES;
                return "Q1, group " + new Group(i - measure).name() + ": " + NAMES[measure] + " is "
                        + Figures.decimal(groups[i], SCALES[measure]) + ", expected "
                        + Figures.decimal(expected.groups[i], SCALES[measure]) + " from the generator's rows";
            }
        }
        return null;
    }

    /** Where Q6 of these sums differs from what is expected, or null. */
    @Nullable
    String revenueDifference(LineItemSums expected) {
        if (revenue == expected.revenue && revenueRows == expected.revenueRows) {
            return null;
        }
        return "Q6: revenue is " + Figures.decimal(revenue()) + " of " + Figures.count(revenueRows)
                + " rows, expected " + Figures.decimal(expected.revenue()) + " of "
                + Figures.count(expected.revenueRows) + " from the generator's rows";
    }

    /** A line of Q1. */
    public final class Group {
        private final int place;

        private Group(int place) {
            this.place = place;
        }

        String returnFlag() {
            return String.valueOf((char) ('A' + place / MEASURES / LETTERS));
        }

        String lineStatus() {
            return String.valueOf((char) ('A' + place / MEASURES % LETTERS));
        }

        public String name() {
            return returnFlag() + "/" + lineStatus();
        }

        public long count() {
            return groups[place + COUNT];
        }

        public BigDecimal sum(int measure) {
            return BigDecimal.valueOf(groups[place + measure], SCALES[measure]);
        }

        BigDecimal average(int measure) {
            return sum(measure).divide(BigDecimal.valueOf(count()), AVERAGE_SCALE, RoundingMode.HALF_UP);
        }
    }
}
