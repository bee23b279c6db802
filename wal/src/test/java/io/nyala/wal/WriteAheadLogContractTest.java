package io.nyala.wal;

import io.nyala.io.Completions;
import io.nyala.io.Disk;
import io.nyala.io.DiskException;
import io.nyala.io.Disks;
import io.nyala.io.IoQueue;
import io.nyala.simulation.SimulatedDisk;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: the log on a local disk is a {@link CommitLog}. Method: the contract, on each kind of disk that this machine
 * has, with each durability.
 */
final class WriteAheadLogContractTest {
    private static final long SEGMENT_BYTES = 128 << 10;

    @TempDir
    @Nullable
    Path directory;

    /** One of the real disks by name, or a simulated one. */
    abstract class OnDisk extends CommitLogContract {
        private final String diskName;
        private final Durability durability;

        OnDisk(String diskName, Durability durability) {
            this.diskName = diskName;
            this.durability = durability;
        }

        @Override
        Durability durability() {
            return durability;
        }

        @Override
        Host newHost(SplittableRandom random) {
            if (diskName.equals("simulated")) {
                SimulatedDisk disk = TestLog.newDisk(random);
                return new LogHost(disk, TestLog.config());
            }
            Path place = Objects.requireNonNull(directory);
            return new LogHost(Disks.named(diskName), WalConfig.in(place).withSegmentBytes(SEGMENT_BYTES));
        }
    }

    @Nested
    final class SimulatedSynced extends OnDisk {
        SimulatedSynced() {
            super("simulated", Durability.SYNC);
        }
    }

    @Nested
    final class SimulatedWritten extends OnDisk {
        SimulatedWritten() {
            super("simulated", Durability.WRITTEN);
        }
    }

    /** io_uring where there is one. */
    @Nested
    final class BestSynced extends OnDisk {
        BestSynced() {
            super("best", Durability.SYNC);
        }
    }

    @Nested
    final class BestWritten extends OnDisk {
        BestWritten() {
            super("best", Durability.WRITTEN);
        }
    }

    /** What most containers have. */
    @Nested
    final class SyscallSynced extends OnDisk {
        SyscallSynced() {
            super("syscall", Durability.SYNC);
        }
    }

    @Nested
    final class SyscallWritten extends OnDisk {
        SyscallWritten() {
            super("syscall", Durability.WRITTEN);
        }
    }

    @Nested
    final class ChannelSynced extends OnDisk {
        ChannelSynced() {
            super("channel", Durability.SYNC);
        }
    }

    @Nested
    final class ChannelWritten extends OnDisk {
        ChannelWritten() {
            super("channel", Durability.WRITTEN);
        }
    }

    /** Opens the log on a disk again and again, and drives its agent. */
    private static final class LogHost implements CommitLogContract.Host {
        private final Disk own;
        private final Disk disk;
        private final WalConfig config;
        private @Nullable TestLog open;
        private boolean isBroken;

        LogHost(Disk disk, WalConfig config) {
            this.own = disk;
            this.disk = breakable(disk);
            this.config = config;
        }

        @Override
        public CommitLog open(List<TestLog.Entry> found) {
            closeLog();
            isBroken = false;
            TestLog opened = TestLog.start(disk, config);
            open = opened;
            found.addAll(opened.read);
            return opened.log();
        }

        @Override
        public void work() {
            TestLog opened = open;
            if (opened != null) {
                opened.work();
            }
        }

        @Override
        public void breakDevice() {
            isBroken = true;
        }

        private void closeLog() {
            TestLog opened = open;
            if (opened != null) {
                open = null;
                opened.close();
            }
        }

        @Override
        public void close() {
            closeLog();
            own.close();
        }

        private Disk breakable(Disk target) {
            return proxy(Disk.class, (method, arguments) -> {
                Object answer = method.invoke(target, arguments);
                return answer instanceof IoQueue queue ? breakable(queue) : answer;
            });
        }

        /** Its writes are carried out, and reported as failed: what that leaves is a matter of luck. */
        private IoQueue breakable(IoQueue target) {
            return proxy(IoQueue.class, (method, arguments) -> {
                if (method.getName().equals("poll") && isBroken) {
                    Completions receiver = (Completions) arguments[0];
                    arguments = new Object[] {
                        (Completions) (token, _, _) -> receiver.completed(
                                token,
                                0,
                                DiskException.ofTransfer(
                                        "write", config.directory(), 0, 0, DiskException.Kind.IO_ERROR, "broken"))
                    };
                }
                return method.invoke(target, arguments);
            });
        }

        private interface Calls {
            @Nullable
            Object call(Method method, @Nullable Object[] arguments) throws ReflectiveOperationException;
        }

        private static <T> T proxy(Class<T> type, Calls calls) {
            return type.cast(Proxy.newProxyInstance(
                    type.getClassLoader(), new Class<?>[] {type}, (_, method, arguments) -> {
                        try {
                            return calls.call(method, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    }));
        }
    }
}
