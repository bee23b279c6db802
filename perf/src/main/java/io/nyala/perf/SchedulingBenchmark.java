package io.nyala.perf;

import io.nyala.compaction.CompactionPolicy;
import io.nyala.compaction.Lane;
import io.nyala.compaction.MaintenanceScheduler;
import io.nyala.compaction.MaintenanceScheduler.Claim;
import io.nyala.compaction.MaintenanceScheduler.Slot;
import io.nyala.compaction.MergePolicy;
import io.nyala.compaction.RowSetShape;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a round of the maintenance worker costs before it does anything: all of {@code tablets} publish what they have,
 * {@code percent} of them something, and the most urgent is claimed; and the policy's choice among {@code rowSets} of a
 * tablet that has all of its keys in each. A score is microseconds per decision.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
public class SchedulingBenchmark {
    private static final int FLUSHES = Lane.set(Lane.FREE_LOG, Lane.FREE_MEMORY);

    /** Tablets with work for each hundred. */
    @State(Scope.Thread)
    public static class Tablets {
        @Param("10000")
        public int tablets;

        @Param({"0", "1", "100"})
        public int percent;

        private final MaintenanceScheduler scheduler = new MaintenanceScheduler();
        private final List<Slot> slots = new ArrayList<>();
        private double[] scores = {};

        /** Each tablet has a slot for its merges as well, as in an engine. */
        @Setup
        public void register() {
            var random = new SplittableRandom(1);
            scores = new double[tablets];
            for (int i = 0; i < tablets; i++) {
                slots.add(scheduler.register("flush of tablet " + i));
                scheduler.register("merge of tablet " + i).publish(Lane.KEEP_READS_FAST, 1);
                scores[i] = random.nextInt(100) < percent ? random.nextDouble(1, 1 << 26) : 0;
            }
        }
    }

    @Benchmark
    public boolean nextFlush(Tablets tablets) {
        for (int i = 0; i < tablets.scores.length; i++) {
            if (tablets.scores[i] > 0) {
                tablets.slots.get(i).publish(i % 10 == 0 ? Lane.FREE_LOG : Lane.FREE_MEMORY, tablets.scores[i]);
            } else {
                tablets.slots.get(i).withdraw();
            }
        }
        Claim claim = tablets.scheduler.claim(FLUSHES);
        return claim != null && claim.release();
    }

    /** Rowsets of one tablet. */
    @State(Scope.Thread)
    public static class RowSets {
        private static final long MIB = 1 << 20;

        @Param({"300", "3000"})
        public int rowSets;

        private final List<RowSetShape> shapes = new ArrayList<>();
        private final MergePolicy.Budget budget = new MergePolicy.Budget(
                128 * MIB,
                8 * MIB,
                MergePolicy.INPUTS_MAX,
                8 * MIB,
                0.01,
                0.1,
                0.1,
                new CompactionPolicy.Deltas(4, 32, MIB));

        @Setup
        public void draw() {
            var random = new SplittableRandom(1);
            for (int i = 0; i < rowSets; i++) {
                int from = random.nextInt(1 << 20);
                int to = random.nextInt(from, 1 << 20);
                long bytes = random.nextLong(MIB, 32 * MIB);
                shapes.add(new RowSetShape(i, 100_000, bytes, 0, key(from), key(to), List.of(), 0, false));
            }
        }

        private static byte[] key(int value) {
            return ByteBuffer.allocate(Integer.BYTES).putInt(value).array();
        }
    }

    @Benchmark
    public MergePolicy.Choice choice(RowSets rowSets) {
        return CompactionPolicy.choose(rowSets.shapes, rowSets.budget);
    }
}
