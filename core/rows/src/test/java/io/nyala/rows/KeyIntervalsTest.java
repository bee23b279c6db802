package io.nyala.rows;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: the intervals that are found are those that a look at each of them finds, whatever came and went before.
 * Method: random intervals of keys that begin alike, are the beginning of others, are equal or empty, in which some are
 * replaced again and again, against a list.
 */
final class KeyIntervalsTest {
    private static final int QUESTIONS = 60;

    @SuppressWarnings("ArrayRecordComponent") // Compared by what they are, not by what they have.
    private record Interval(byte[] minKey, byte[] maxKey) implements KeyIntervals.Bounded {
        /** Between two keys, both included. */
        static Interval of(byte[] one, byte[] other) {
            return Arrays.compareUnsigned(one, other) <= 0 ? new Interval(one, other) : new Interval(other, one);
        }

        boolean has(byte[] key) {
            return Arrays.compareUnsigned(minKey, key) <= 0 && Arrays.compareUnsigned(key, maxKey) <= 0;
        }

        /** Each is one of its own: two of the same bounds are not the same. */
        @Override
        public boolean equals(Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }

        @Override
        public String toString() {
            return HexFormat.of().formatHex(minKey) + ".." + HexFormat.of().formatHex(maxKey);
        }
    }

    /** How keys are drawn: of few bytes that there can be, behind a beginning that may be as long as a prefix. */
    @SuppressWarnings("ArrayRecordComponent") // Never compared.
    private record Keys(byte[] beginning, int bytesMax, int valueCount) {
        static Keys draw(SplittableRandom random) {
            byte[] beginning = new byte[random.nextInt(3) * random.nextInt(10)];
            random.nextBytes(beginning);
            return new Keys(beginning, random.nextInt(1, 12), random.nextInt(1, 257));
        }

        byte[] next(SplittableRandom random) {
            if (random.nextInt(20) == 0) {
                return Arrays.copyOf(beginning, random.nextInt(beginning.length + 1));
            }
            int more = random.nextInt(bytesMax + 1);
            byte[] key = Arrays.copyOf(beginning, beginning.length + more);
            for (int i = beginning.length; i < key.length; i++) {
                key[i] = (byte) -random.nextInt(valueCount); // 0, and the greatest bytes.
            }
            return key;
        }
    }

    @RepeatedTest(60)
    void findsWhatALookAtEachFinds(@Seed SplittableRandom random) {
        Keys keys = Keys.draw(random);
        List<Interval> all = new ArrayList<>();
        KeyIntervals<Interval> intervals = KeyIntervals.of(all);
        try (var memory = new TestMemory(2 << 20)) {
            var slab = memory.account().take(4096);
            for (int round = random.nextInt(1, 8); round > 0; round--) {
                List<Interval> removed =
                        all.stream().filter(_ -> random.nextInt(4) == 0).toList();
                List<Interval> added = new ArrayList<>();
                for (int i = random.nextInt(1 << random.nextInt(8)); i > 0; i--) {
                    byte[] key = keys.next(random);
                    added.add(Interval.of(key, random.nextInt(4) == 0 ? key : keys.next(random)));
                }
                all.removeAll(Set.copyOf(removed));
                all.addAll(added);
                intervals = intervals.with(removed, added);
                check(intervals, all, random, keys, slab.segment());
            }
            memory.account().giveBack(slab);
        }
    }

    private static void check(
            KeyIntervals<Interval> intervals,
            List<Interval> all,
            SplittableRandom random,
            Keys keys,
            MemorySegment memory) {
        assertEquals(Set.copyOf(all), Set.copyOf(intervals.values()));
        assertEquals(all.size(), intervals.count());
        List<byte[]> mins = intervals.values().stream().map(Interval::minKey).toList();
        assertEquals(mins.stream().sorted(Arrays::compareUnsigned).toList(), mins, "the order of least keys");
        for (int i = 0; i < QUESTIONS; i++) {
            byte[] key = draw(all, random, keys);
            long at = random.nextInt(8);
            MemorySegment.copy(MemorySegment.ofArray(key), 0, memory, at, key.length);
            assertEquals(
                    all.stream().filter(interval -> interval.has(key)).collect(Collectors.toSet()),
                    found(intervals, memory, at, key.length),
                    () -> HexFormat.of().formatHex(key) + " in " + all);
            byte[] other = draw(all, random, keys);
            var range = new KeyRange(random.nextInt(4) == 0 ? null : key, random.nextInt(4) == 0 ? null : other);
            List<Interval> meeting = intervals.meeting(range);
            assertEquals(
                    all.stream()
                            .filter(interval -> range.meets(interval.minKey(), interval.maxKey()))
                            .collect(Collectors.toSet()),
                    new HashSet<>(meeting),
                    () -> text(range.lower()) + " to " + text(range.upper()) + " in " + all);
            assertEquals(meeting.size(), new HashSet<>(meeting).size(), "one is found twice");
        }
    }

    /** Often a bound, or what is next to one. */
    private static byte[] draw(List<Interval> all, SplittableRandom random, Keys keys) {
        if (all.isEmpty() || random.nextInt(3) == 0) {
            return keys.next(random);
        }
        Interval interval = all.get(random.nextInt(all.size()));
        byte[] bound = random.nextBoolean() ? interval.minKey() : interval.maxKey();
        return switch (random.nextInt(3)) {
            case 0 -> bound;
            case 1 -> Arrays.copyOf(bound, bound.length + 1);
            default -> Arrays.copyOf(bound, Math.max(0, bound.length - 1));
        };
    }

    private static String text(byte @Nullable [] bound) {
        return bound == null ? "-" : HexFormat.of().formatHex(bound);
    }

    private static Set<Interval> found(KeyIntervals<Interval> intervals, MemorySegment memory, long key, int keyBytes) {
        Set<Interval> found = new HashSet<>();
        int end = intervals.end(memory, key, keyBytes);
        int rank = intervals.rank(memory, key, keyBytes);
        for (int i = intervals.next(0, end, rank); i < end; i = intervals.next(i + 1, end, rank)) {
            found.add(intervals.value(i));
            assertEquals(false, intervals.isAbove(i, memory, key, keyBytes), "above");
            assertEquals(false, intervals.isBelow(i, memory, key, keyBytes), "below");
        }
        for (int i = 0; i < intervals.count(); i++) {
            boolean isOutside =
                    intervals.isAbove(i, memory, key, keyBytes) || intervals.isBelow(i, memory, key, keyBytes);
            assertEquals(!found.contains(intervals.value(i)), isOutside);
        }
        return found;
    }

    private static byte[] key(int number) {
        return new byte[] {(byte) (number >>> 16), (byte) (number >>> 8), (byte) number};
    }

    @Test
    @Tag("allocation")
    void costsNothingOnTheHeap() {
        List<Interval> all = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            all.add(new Interval(key(100 * i), key(100 * i + 250)));
        }
        KeyIntervals<Interval> intervals = KeyIntervals.of(all);
        try (var memory = new TestMemory(2 << 20)) {
            var slab = memory.account().take(4096);
            MemorySegment segment = slab.segment();
            for (int i = 0; i < 1000; i++) {
                MemorySegment.copy(MemorySegment.ofArray(key(97 * i)), 0, segment, 4L * i, 3);
            }
            Allocation.assertNone("1,000 keys", () -> {
                int sum = 0;
                for (int i = 0; i < 1000; i++) {
                    int end = intervals.end(segment, 4L * i, 3);
                    int rank = intervals.rank(segment, 4L * i, 3);
                    for (int at = intervals.next(0, end, rank); at < end; at = intervals.next(at + 1, end, rank)) {
                        sum++;
                    }
                }
                assert sum > 2000 : sum + " found";
            });
            memory.account().giveBack(slab);
        }
    }
}
