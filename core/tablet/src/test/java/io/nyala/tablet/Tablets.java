package io.nyala.tablet;

import io.nyala.io.Parking;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.time.HybridTime;
import io.nyala.time.TabletClock;
import io.nyala.wal.CommitLog;
import io.nyala.wal.WalConfig;
import io.nyala.wal.WriteAheadLog;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Tablets of one writer on a simulated disk, without maintenance; everything happens in {@link #step}. */
final class Tablets implements AutoCloseable {
    static final Schema SCHEMA = Schema.of(Column.key("id", ColumnType.INT64), Column.of("n", ColumnType.INT64));

    private static final long MIB = 1 << 20;

    /** Steps after which everything that can happen has happened. */
    private static final int STEPS = 400;

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 24 * MIB);
    private final MemoryAccount logMemory = budget.account("log", 0);
    private final MemoryAccount batchMemory = budget.account("batches", 0);
    private final List<Runnable> opened = new ArrayList<>();
    private final SimulatedDisk disk;
    private final WriteAheadLog log;
    private final WriterAgent writer = new WriterAgent("writer", Parking.ofThread(), () -> 0);
    private long lastTime = HybridTime.of(1_000_000, 0);
    private long nextTabletId = 1;

    /** Of the log, which tries a full disk again so and so often a second: for it each reading is one later. */
    private final AtomicLong micros = new AtomicLong();

    Tablets(SplittableRandom random) {
        disk = new SimulatedDisk(random);
        Path directory = Path.of("/wal");
        disk.createDirectories(directory);
        WalConfig config = WalConfig.in(directory).withSegmentBytes(2 << 20);
        log = WriteAheadLog.open(config, disk, logMemory, 7).start(0, () -> micros.addAndGet(1_000_000));
    }

    SimulatedDisk disk() {
        return disk;
    }

    WriteAheadLog log() {
        return log;
    }

    WriterAgent writer() {
        return writer;
    }

    long lastTime() {
        return lastTime;
    }

    /** A clock that always has the next microsecond. */
    long tick() {
        lastTime += 1 << 12;
        return lastTime;
    }

    /** So much time goes by. */
    void pass(long seconds) {
        lastTime += HybridTime.of(seconds * 1_000_000, 0);
    }

    /** A tablet whose rows are paid by an account of their own, of 4 MiB. */
    Member tablet(TabletClock clock) {
        return tablet(clock, log);
    }

    /** As above, of which the log is used as {@code itsLog}. */
    Member tablet(TabletClock clock, CommitLog itsLog) {
        MemoryBudget own = MemoryBudget.open(PageSource.jdk(), 4 * MIB);
        MemoryAccount rows = own.account("rows", 0);
        MemoryAccount others = own.account("others", 0);
        var config = new TabletConfig(nextTabletId++, SCHEMA, rows, 16 * MIB, clock, () -> {});
        Tablet tablet = new TabletRecovery(config, List.of(), List.of(), 0).start(itsLog, writer);
        opened.add(own::close);
        opened.add(tablet::close);
        return new Member(this, tablet, others);
    }

    /** A tablet, and who shares the memory of its rows. */
    record Member(Tablets all, Tablet tablet, MemoryAccount others) {
        /** Takes all memory that is left; whoever runs the answer gives it back. */
        Runnable takeMemory() {
            List<Slab> taken = new ArrayList<>();
            for (long bytes = 2 * MIB; bytes >= MemoryBudget.SLAB_BYTES_MIN; bytes /= 2) {
                for (Slab slab = others.tryTake(bytes); slab != null; slab = others.tryTake(bytes)) {
                    taken.add(slab);
                }
            }
            return () -> taken.forEach(others::giveBack);
        }

        /** Rows of the given keys, to be inserted. */
        Write inserts(long from, int count) {
            return new Write(all, this, from, count);
        }
    }

    /** A batch, and what the tablet said to it. */
    static final class Write implements TabletWrite.Completion {
        final TabletWrite write;
        private final Member member;
        int answers;
        int probesWanted;

        @Nullable
        RuntimeException failure;

        private Write(Tablets all, Member member, long from, int count) {
            this.member = member;
            var operations = new OperationBatch(new RowLayout(SCHEMA), all.batchMemory);
            all.opened.add(operations::close);
            for (long id = from; id < from + count; id++) {
                operations
                        .start(OperationKind.INSERT)
                        .setLong(0, id)
                        .setLong(1, id)
                        .end();
            }
            write = new TabletWrite(operations, this);
            write.addAll();
        }

        boolean trySubmit() {
            return member.tablet().trySubmit(write);
        }

        boolean isDone() {
            return answers == 1 && failure == null;
        }

        @Override
        public void completed(TabletWrite done, @Nullable RuntimeException newFailure) {
            answers++;
            failure = newFailure;
        }

        @Override
        public void probeWanted(TabletWrite waiting) {
            probesWanted++;
        }
    }

    /** Lets log and writer do what they can. */
    void step() {
        for (int i = 0; i < STEPS; i++) {
            log.agent().doWork();
            writer.doWork();
        }
    }

    @Override
    public void close() {
        writer.onClose();
        opened.reversed().forEach(Runnable::run);
        log.close();
        logMemory.close();
        batchMemory.close();
        budget.close();
    }
}
