package io.nyala.compaction;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.ListedSource.Row;
import io.nyala.compaction.ListedSource.Undo;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: rows of several rowsets as those of one are read at each snapshot that may be read as they were before, however
 * the lifetimes of a key lie in them. Method: random lifetimes of few keys, dealt to inputs in any order and merged in
 * random rounds, each snapshot against the lifetimes.
 */
final class MergeSourceTest {
    static final RowLayout LAYOUT =
            new RowLayout(Schema.of(Column.key("k", ColumnType.INT64), Column.of("v", ColumnType.INT64)));

    private static final long END = 200;
    private static final long NEVER = Long.MAX_VALUE;

    /**
     * From an insert to a deletion.
     *
     * @param values by the time from which on they hold, the insert the first
     */
    private record Life(long key, long end, TreeMap<Long, Long> values) {
        long begin() {
            return values.firstKey();
        }

        @Nullable
        Long at(long snapshot) {
            return snapshot < begin() || snapshot >= end
                    ? null
                    : values.floorEntry(snapshot).getValue();
        }

        /** As a flush writes it. */
        Row row() {
            List<Undo> history = new ArrayList<>();
            if (end != NEVER && end > begin()) {
                history.add(new Undo(end, RowChange.UPDATE, null));
            }
            values.descendingMap().forEach((time, _) -> {
                if (time > begin()) {
                    history.add(new Undo(
                            time, RowChange.UPDATE, values.lowerEntry(time).getValue()));
                }
            });
            if (!history.isEmpty()) {
                history.add(new Undo(begin(), RowChange.DELETE, null));
            }
            return new Row(key, values.lastEntry().getValue(), begin(), end != NEVER, history);
        }
    }

    @RepeatedTest(200)
    void isReadAsBefore(@Seed SplittableRandom random) {
        List<Life> lives = draw(random);
        long mark = random.nextBoolean() ? MergeSource.NO_MARK : random.nextLong(END);
        List<List<Row>> rowSets = deal(lives, random);
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 16 << 20);
                MemoryAccount account = budget.account("test", 0)) {
            while (rowSets.size() > 1) {
                mark = random.nextBoolean() ? mark : random.nextLong(mark, END); // As time goes by.
                List<List<Row>> chosen = new ArrayList<>();
                for (int i = random.nextInt(1, 1 + rowSets.size()); i > 0; i--) {
                    chosen.add(rowSets.remove(random.nextInt(rowSets.size())));
                }
                List<Row> merged = merge(chosen, mark, account);
                rowSets.add(merged);
                check(lives, rowSets, mark);
                for (Row row : merged) {
                    assertTrue(row.insertTime() >= mark, row + " behind " + mark);
                    for (Undo record : row.history()) {
                        assertTrue(record.time() > mark, row + " behind " + mark);
                    }
                }
            }
            assertEquals(0, budget.usedBytes());
        }
    }

    private static List<Row> merge(List<List<Row>> chosen, long mark, MemoryAccount account) {
        List<ListedSource> sources = chosen.stream().map(ListedSource::new).toList();
        List<Long> counts = chosen.stream().map(rows -> (long) rows.size()).toList();
        List<Row> merged;
        try (var places = new MergePlaces(counts, account)) {
            long dropped;
            try (var source = new MergeSource(sources, mark, places, account)) {
                merged = ListedSource.read(source);
                dropped = source.droppedRows();
            }
            for (int input = 0; input < chosen.size(); input++) {
                for (int i = 0; i < chosen.get(input).size(); i++) {
                    int place = places.place(input, i);
                    if (place == MergePlaces.NONE) {
                        assertTrue(chosen.get(input).get(i).isDeleted(), "a live row was dropped");
                        dropped--;
                    } else {
                        assertEquals(0, MergePlaces.output(place));
                        assertEquals(
                                chosen.get(input).get(i).key(),
                                merged.get(MergePlaces.ordinal(place)).key());
                    }
                }
            }
            assertEquals(0, dropped);
        }
        assertTrue(sources.stream().allMatch(ListedSource::isClosed));
        return merged;
    }

    private static void check(List<Life> lives, List<List<Row>> rowSets, long from) {
        for (long snapshot = from; snapshot <= END; snapshot++) {
            TreeMap<Long, Long> expected = new TreeMap<>();
            for (Life life : lives) {
                Long value = life.at(snapshot);
                if (value != null) {
                    expected.put(life.key(), value);
                }
            }
            TreeMap<Long, Long> actual = new TreeMap<>();
            for (List<Row> rows : rowSets) {
                for (Row row : rows) {
                    Long value = row.at(snapshot);
                    if (value != null) {
                        Long twin = actual.put(row.key(), value);
                        assertEquals(null, twin, "twice at " + snapshot + ": " + row);
                    }
                }
            }
            assertEquals(expected, actual, "at " + snapshot + " of " + rowSets);
        }
    }

    /** A new lifetime may begin at the time at which the one before ends, and end at that at which it begins. */
    private static List<Life> draw(SplittableRandom random) {
        List<Life> lives = new ArrayList<>();
        long keys = random.nextLong(1, 8);
        for (long key = -2; key < keys - 2; key++) {
            long time = random.nextLong(1, END / 2);
            while (time < END && random.nextInt(6) > 0) {
                TreeMap<Long, Long> values = new TreeMap<>();
                values.put(time, random.nextLong(1000));
                long last = time;
                while (random.nextInt(3) == 0) {
                    last += random.nextLong(1, 10);
                    values.put(last, random.nextLong(1000));
                }
                boolean isEver = random.nextInt(4) == 0;
                long end = isEver ? NEVER : last + random.nextLong(0, 15);
                lives.add(new Life(key, end, values));
                time = isEver ? END : end + random.nextLong(0, 2) * random.nextLong(20) + (end == time ? 1 : 0);
            }
        }
        return lives;
    }

    private static List<List<Row>> deal(List<Life> lives, SplittableRandom random) {
        List<List<Row>> dealt = new ArrayList<>();
        for (Life life : lives) {
            int at = random.nextInt(dealt.size() + 1);
            while (at < dealt.size() && dealt.get(at).stream().anyMatch(row -> row.key() == life.key())) {
                at++;
            }
            if (at == dealt.size()) {
                dealt.add(new ArrayList<>());
            }
            dealt.get(at).add(life.row());
        }
        dealt.add(new ArrayList<>());
        dealt.forEach(rows -> rows.sort(Comparator.comparingLong(Row::key)));
        return dealt;
    }

    @Test
    void aKeyThatIsLiveTwiceIsRefused() {
        List<List<Row>> twice =
                List.of(List.of(new Row(1, 5, 10, false, List.of())), List.of(new Row(1, 6, 20, false, List.of())));
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 16 << 20);
                MemoryAccount account = budget.account("test", 0)) {
            Failure.expect(
                    IllegalStateException.class,
                    () -> merge(twice, MergeSource.NO_MARK, account),
                    "is live in input 0 since 10");
        }
    }
}
