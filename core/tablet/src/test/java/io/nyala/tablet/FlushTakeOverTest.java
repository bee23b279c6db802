package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.nyala.compaction.DeviceCalls;
import io.nyala.compaction.Seat;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.simulation.RowKey;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.util.List;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Goal: a flush that hangs at whatever call to a device is done anew by another worker, to the end, while it hangs;
 * what the first one does when it comes back changes nothing.
 * Method: a seat whose calls hang, each in its turn, until another flush of the same rows and changes has ended and
 * they have changed once more.
 */
final class FlushTakeOverTest {
    private static final Schema SCHEMA = Schema.of(Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT64));
    private static final int KEYS = 300;
    private static final long STUCK_MICROS = 60;

    /** Calls hang, but for the first so many. */
    private static final class Hanging implements DeviceCalls {
        private final Seat seat = new Seat(() -> 0, () -> {});
        private final Seat.Hold hold = seat.first();
        private final Runnable meanwhile;
        private int left;

        Hanging(int left, Runnable meanwhile) {
            this.left = left;
            this.meanwhile = meanwhile;
        }

        @Override
        public void run(Runnable call) {
            hold.run(() -> {
                if (left-- == 0) {
                    assertNotNull(seat.takeOver(STUCK_MICROS, STUCK_MICROS));
                    meanwhile.run();
                }
                call.run(); // It comes back at last.
            });
        }
    }

    @Test
    void whatHangsIsFlushedByAnotherWorkerAndItsResultIsRefused(@Seed SplittableRandom random) {
        int calls = 0;
        while (hangs(calls, random)) {
            calls++;
        }
        assertEquals(5, calls, "calls: three for the file of rows, two for that of changes");
    }

    /** Whether a flush makes so many calls that one of them hangs. */
    private static boolean hangs(int calls, SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        try (var one = new OneTablet(disk, SCHEMA)) {
            one.commit(batch -> {
                for (int key = 0; key < KEYS; key += 2) {
                    batch.start(OperationKind.INSERT)
                            .setInt(0, key)
                            .setLong(1, key)
                            .end();
                }
            });
            one.flushAll();
            change(one, random);
            boolean isHung = hang(one, calls, random);
            NavigableMap<RowKey, List<@Nullable Object>> rows = one.rows();
            one.restart();
            assertEquals(rows, one.rows());
            return isHung;
        } finally {
            assertEquals(0, disk.openFileCount());
        }
    }

    /** Changes of rows on disk and in memory, and new rows. */
    private static void change(OneTablet one, SplittableRandom random) {
        one.commit(batch -> {
            for (int i = 0; i < 100; i++) {
                int key = random.nextInt(KEYS);
                OperationKind kind = random.nextInt(3) == 0 ? OperationKind.DELETE_IGNORE : OperationKind.UPSERT;
                batch.start(kind).setInt(0, key);
                if (kind == OperationKind.UPSERT) {
                    batch.setLong(1, random.nextLong());
                }
                batch.end();
            }
        });
    }

    /** Answers whether the flush has made so many calls that one of them could hang. */
    private static boolean hang(OneTablet one, int calls, SplittableRandom random) {
        var rows = new Object[] {one.rows()};
        var hanging = new Hanging(calls, () -> {
            change(one, random); // Late changes of what hangs.
            one.finish(one.newFlush(true, true));
            assertFalse(one.tablet().hasRowsInMemory(), "its memory waits for what hangs");
            assertEquals(Long.MAX_VALUE, one.tablet().neededFromByRows(), "and so does the log");
            change(one, random);
            rows[0] = one.rows();
        });
        TabletFlush flush = one.newFlush(Pressure.Wanted.ALL, hanging);
        boolean isHung = false;
        try {
            one.finish(flush);
        } catch (Seat.LostException _) {
            isHung = true;
            flush.abort();
        }
        assertEquals(rows[0], one.rows());
        one.flushAll();
        assertEquals(rows[0], one.rows());
        return isHung;
    }
}
