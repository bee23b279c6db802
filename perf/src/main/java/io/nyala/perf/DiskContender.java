package io.nyala.perf;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import io.nyala.io.Access;
import io.nyala.io.Completions;
import io.nyala.io.Disk;
import io.nyala.io.DiskException;
import io.nyala.io.DiskFile;
import io.nyala.io.Disks;
import io.nyala.io.HugePageSource;
import io.nyala.io.IoQueue;
import io.nyala.memory.PageSource;
import io.nyala.perf.DeviceSideBySide.Contender;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** One of our disks: a thread that has a queue and keeps it full. One thread; owns the disk. */
final class DiskContender implements Contender {
    private static final OperatingSystemMXBean PROCESS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final String name;
    private final Disk disk;

    /** Takes a disk by its name in {@link Disks#named}. */
    DiskContender(String name) {
        this.name = name;
        this.disk = Disks.named(name);
    }

    @Override
    public String name() {
        return name;
    }

    /** What carries the transfers. */
    String description() {
        return disk.description();
    }

    @Override
    public Sample run(Contender.Job job, boolean isHuge, Path file, long nanos) {
        long bytes = (long) job.bytes() * job.depth();
        long regionBytes = (bytes + PageSource.REGION_BYTES - 1) & -PageSource.REGION_BYTES;
        PageSource huge = HugePageSource.orJdk();
        try (DiskFile target = disk.open(file, Access.READ_WRITE);
                IoQueue queue = disk.newQueue(job.depth());
                Arena arena = Arena.ofShared()) {
            if (!isHuge) {
                return run(new Load(job, target, queue, arena.allocate(bytes, Disk.ALIGNMENT_BYTES)), nanos);
            }
            MemorySegment region = huge.reserve(regionBytes);
            huge.populate(region);
            try {
                return run(new Load(job, target, queue, region), nanos);
            } finally {
                huge.release(region); // Nothing is in flight any more.
            }
        }
    }

    private static Sample run(Load load, long nanos) {
        load.start();
        load.runUntil(System.nanoTime() + nanos / WARM_UP_PART);
        long transfersBefore = load.transfers;
        long heapBefore = THREADS.getTotalThreadAllocatedBytes();
        long cpuBefore = PROCESS.getProcessCpuTime();
        long start = System.nanoTime();
        load.runUntil(start + nanos);
        double elapsed = System.nanoTime() - start;
        double cpu = PROCESS.getProcessCpuTime() - cpuBefore;
        double heap = THREADS.getTotalThreadAllocatedBytes() - heapBefore;
        double transfers = load.transfers - transfersBefore;
        load.finish();
        return new Sample(transfers * 1e9 / elapsed, cpu / 1e3 / transfers, heap / transfers);
    }

    @Override
    public void close() {
        disk.close();
    }

    /** Puts another transfer in the place of each that is done. */
    private static final class Load implements Completions {
        private final Contender.Job job;
        private final DiskFile file;
        private final IoQueue queue;
        private final MemorySegment memory;
        private final int blocks;
        private final SplittableRandom random = new SplittableRandom(1);
        private int next;
        private boolean isOver;
        private long transfers;

        Load(Contender.Job job, DiskFile file, IoQueue queue, MemorySegment memory) {
            this.job = job;
            this.file = file;
            this.queue = queue;
            this.memory = memory;
            this.blocks = (int) (file.bytes() / job.bytes());
        }

        void start() {
            for (int slot = 0; slot < job.depth(); slot++) {
                transfer(slot);
            }
        }

        void runUntil(long end) {
            while (System.nanoTime() < end) {
                queue.await(Long.MAX_VALUE);
                queue.poll(this);
            }
        }

        void finish() {
            isOver = true;
            while (queue.inFlight() > 0) {
                queue.await(Long.MAX_VALUE);
                queue.poll(this);
            }
        }

        @Override
        public void completed(long token, int bytes, @Nullable DiskException failure) {
            if (failure != null) {
                throw failure;
            }
            if (bytes != job.bytes()) {
                throw new IllegalStateException(bytes + " bytes of " + job.bytes() + " in " + job);
            }
            transfers++;
            if (!isOver) {
                transfer((int) token);
            }
        }

        private void transfer(int slot) {
            int block = job.isRandom() ? random.nextInt(blocks) : next;
            next = next + 1 == blocks ? 0 : next + 1;
            long position = (long) block * job.bytes();
            long offset = (long) slot * job.bytes();
            switch (job.kind()) {
                case READ -> queue.read(file, position, memory, offset, job.bytes(), slot);
                case WRITE -> queue.write(file, position, memory, offset, job.bytes(), slot);
                case WRITE_DURABLE -> queue.writeDurable(file, position, memory, offset, job.bytes(), slot);
            }
        }
    }
}
