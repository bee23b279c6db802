package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.simulation.RandomSchema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: conditions and atomic batches do what their definition says, whatever has become of the rows in the meantime.
 * Method: random batches on few keys, some handed over together, between the steps of flushes, clean restarts and power
 * cuts on a simulated disk, against a map of rows.
 */
final class JudgedBatchesTest {
    private static final int STEPS = 80;

    @RepeatedTest(6)
    void answerAsAMapOfRowsDoes(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        Schema schema = RandomSchema.draw(random);
        while (schema.columnCount() == schema.keyColumnCount()) {
            schema = RandomSchema.draw(random);
        }
        var model = new RowsModel(schema, random, 1 + random.nextInt(1 << random.nextInt(8)));
        try (var run = new Run(disk, schema, model, random)) {
            for (int i = 0; i < STEPS; i++) {
                run.step();
            }
        }
        assertEquals(0, disk.openFileCount());
    }

    private static final class Run implements AutoCloseable {
        private final SimulatedDisk disk;
        private final OneTablet one;
        private final RowsModel model;
        private final SplittableRandom random;
        private final int conditionsIn;
        private @Nullable TabletFlush flush;

        Run(SimulatedDisk disk, Schema schema, RowsModel model, SplittableRandom random) {
            this.disk = disk;
            this.one = new OneTablet(disk, schema);
            this.model = model;
            this.random = random;
            this.conditionsIn = random.nextInt(1, 5);
        }

        void step() {
            TabletFlush running = flush;
            if (running == null && random.nextInt(3) == 0) {
                running = one.newFlush(true, random.nextBoolean());
                flush = running;
            }
            for (int i = random.nextInt(20); i > 0 && running != null; i--) {
                running.step();
                one.step();
            }
            if (running != null && running.isDone()) {
                flush = null;
            }
            commit();
            if (random.nextInt(12) == 0) {
                finishFlush();
                if (random.nextBoolean()) {
                    one.restart();
                } else {
                    disk.powerCut();
                    one.stop();
                    disk.restart();
                    one.open();
                }
                assertEquals(model.rows(), one.rows());
            }
        }

        private void finishFlush() {
            TabletFlush running = flush;
            if (running != null) {
                one.finish(running);
                flush = null;
            }
        }

        /** Batches that are all looked up before the first one is decided. */
        private void commit() {
            List<OneTablet.Batch> batches = new ArrayList<>();
            List<List<@Nullable RowErrorCode>> expected = new ArrayList<>();
            one.hold(random.nextInt(4) == 0);
            for (int i = random.nextInt(1, 4); i > 0; i--) {
                OneTablet.Batch batch = one.newBatch();
                boolean isAtomic = random.nextInt(3) == 0;
                int count = random.nextInt(isAtomic && random.nextBoolean() ? 4 : 30);
                List<RowsModel.Operation> operations = model.draw(random, count, conditionsIn);
                operations.forEach(operation -> operation.write(batch.rows));
                expected.add(model.apply(operations, isAtomic));
                batch.write.atomic(isAtomic);
                batch.submit();
                batches.add(batch);
            }
            for (int i = random.nextInt(30); i > 0 && flush != null; i--) {
                flush.step();
                one.step();
                batches.forEach(OneTablet.Batch::probeIfWanted);
            }
            one.hold(false);
            one.await(() -> {
                batches.forEach(OneTablet.Batch::probeIfWanted);
                return batches.getLast().answers > 0;
            });
            for (int i = 0; i < batches.size(); i++) {
                batches.get(i).await();
                check(expected.get(i), batches.get(i).write);
                batches.get(i).close();
            }
            if (random.nextInt(4) == 0) {
                assertEquals(model.rows(), one.rows());
            }
        }

        private static void check(List<@Nullable RowErrorCode> expected, TabletWrite write) {
            List<@Nullable RowErrorCode> found = new ArrayList<>();
            for (int i = 0; i < expected.size(); i++) {
                found.add(null);
            }
            for (int i = 0; i < write.errorCount(); i++) {
                found.set(write.errorIndex(i), write.errorCode(i));
            }
            assertEquals(expected, found);
        }

        @Override
        public void close() {
            finishFlush();
            assertEquals(model.rows(), one.rows());
            one.close();
        }
    }
}
