package io.nyala.io;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.nyala.memory.Check;
import io.nyala.memory.Zeros;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * An io_uring: entries that say what to do, written by us and read by the kernel, and entries that say what was done,
 * the other way round. Both are in memory shared with the kernel.
 *
 * <pre>{@code
 *   rings:  | head tail mask ... of both | done: 16 bytes each | indices |      sqes:  | to do: 64 bytes each |
 *
 *   submission  { opcode u8, flags u8, priority u16, fd i32, position u64, address u64, bytes u32, operation flags u32,
 *                 user data u64, zero u64[3] }
 *   completion  { user data u64, result i32, flags u32 }
 * }</pre>
 *
 * The kernel's tails and heads are acquired, ours released. Belongs to one thread, on which it must be made.
 */
final class Ring implements AutoCloseable {
    static final byte OPCODE_FSYNC = 3;
    static final byte OPCODE_TIMEOUT = 11;
    static final byte OPCODE_READ = 22;
    static final byte OPCODE_WRITE = 23;
    static final int FSYNC_DATASYNC = 1;
    static final int RWF_DSYNC = 2;

    private static final int SETUP_CLAMP = 1 << 4;
    /** One mapping for both rings, no lost completions, an argument to enter: Linux 5.11. */
    private static final int FEATURES_NEEDED = 1 | 1 << 1 | 1 << 8;

    private static final int ENTER_GETEVENTS = 1;
    private static final int ENTER_EXT_ARG = 1 << 3;
    private static final int SQ_CQ_OVERFLOW = 1 << 1;
    private static final int SQ_TASKRUN = 1 << 2;
    private static final long NANOS_PER_SECOND = 1_000_000_000;
    private static final long POSITION_OF_RINGS = 0;
    private static final long POSITION_OF_SQES = 0x10000000L;

    private static final StructLayout PARAMETERS = MemoryLayout.structLayout(
            JAVA_INT.withName("sqEntries"),
            JAVA_INT.withName("cqEntries"),
            JAVA_INT.withName("flags"),
            MemoryLayout.paddingLayout(8),
            JAVA_INT.withName("features"),
            MemoryLayout.paddingLayout(16),
            JAVA_INT.withName("sqHead"),
            JAVA_INT.withName("sqTail"),
            JAVA_INT.withName("sqMask"),
            MemoryLayout.paddingLayout(4),
            JAVA_INT.withName("sqFlags"),
            MemoryLayout.paddingLayout(4),
            JAVA_INT.withName("sqArray"),
            MemoryLayout.paddingLayout(12),
            JAVA_INT.withName("cqHead"),
            JAVA_INT.withName("cqTail"),
            JAVA_INT.withName("cqMask"),
            MemoryLayout.paddingLayout(8),
            JAVA_INT.withName("cqes"),
            MemoryLayout.paddingLayout(16));

    private static final StructLayout SQE = MemoryLayout.structLayout(
            JAVA_BYTE.withName("opcode"),
            JAVA_BYTE.withName("flags"),
            JAVA_SHORT.withName("priority"),
            JAVA_INT.withName("fd"),
            JAVA_LONG.withName("position"),
            JAVA_LONG.withName("address"),
            JAVA_INT.withName("bytes"),
            JAVA_INT.withName("operationFlags"),
            JAVA_LONG.withName("userData"),
            MemoryLayout.paddingLayout(24));

    private static final StructLayout CQE = MemoryLayout.structLayout(
            JAVA_LONG.withName("userData"), JAVA_INT.withName("result"), JAVA_INT.withName("flags"));

    /** The argument of enter, and the time it points to. */
    private static final StructLayout ARGUMENT = MemoryLayout.structLayout(
            JAVA_LONG.withName("signals"),
            JAVA_INT.withName("signalBytes"),
            JAVA_INT.withName("minWait"),
            JAVA_LONG.withName("time"));

    private static final StructLayout TIME =
            MemoryLayout.structLayout(JAVA_LONG.withName("seconds"), JAVA_LONG.withName("nanos"));

    private static final VarHandle SQE_OPCODE = field(SQE, "opcode");
    private static final VarHandle SQE_FD = field(SQE, "fd");
    private static final VarHandle SQE_POSITION = field(SQE, "position");
    private static final VarHandle SQE_ADDRESS = field(SQE, "address");
    private static final VarHandle SQE_BYTES = field(SQE, "bytes");
    private static final VarHandle SQE_OPERATION_FLAGS = field(SQE, "operationFlags");
    private static final VarHandle SQE_USER_DATA = field(SQE, "userData");
    private static final VarHandle CQE_USER_DATA = field(CQE, "userData");
    private static final VarHandle CQE_RESULT = field(CQE, "result");
    private static final VarHandle COUNTER = JAVA_INT.varHandle().withInvokeExactBehavior();

    static {
        Check.that(PARAMETERS.byteSize() == 120, "io_uring_params has 120 bytes");
        Check.that(SQE.byteSize() == 64, "a submission has 64 bytes");
        Check.that(CQE.byteSize() == 16, "a completion has 16 bytes");
        Check.that(ARGUMENT.byteSize() == 24, "io_uring_getevents_arg has 24 bytes");
    }

    /** How often the kernel may refuse submissions, for want of memory or room, to one who waits: ten seconds. */
    private static final int REFUSALS_MAX = 2_000;

    private final KernelCalls kernel;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment errno = Kernel.newErrnoMemory(arena);
    private final MemorySegment argument = arena.allocate(ARGUMENT);
    private final MemorySegment argumentWithTime = arena.allocate(ARGUMENT);
    private final MemorySegment time = arena.allocate(TIME);
    private final int fd;
    private final RingSetup setup;
    private final MemorySegment rings;
    private final MemorySegment sqes;
    private final MemorySegment pauses; // One for each submission: how long it lasts, if it is a pause.
    private final long sqTailOffset;
    private final long sqFlagsOffset;
    private final long cqHeadOffset;
    private final long cqTailOffset;
    private final long cqesOffset;
    private final int sqMask;
    private final int cqMask;
    private int sqTail;
    private int cqHead;
    private int unsubmitted;
    private int refusals;

    /**
     * @param entries most submissions between two calls of {@link #enter}; room for twice as many completions
     * @param best what to ask the kernel for first; {@link RingSetup#INTERRUPTING} if more than one of its threads will
     *     use the ring
     * @throws RingException if the kernel refuses
     */
    Ring(KernelCalls kernel, int entries, RingSetup best) {
        this.kernel = kernel;
        MemorySegment parameters = arena.allocate(PARAMETERS);
        RingSetup asked = best;
        long answer = setUp(entries, parameters, SETUP_CLAMP | asked.flags());
        while (answer == -Errno.INVALID && asked != RingSetup.INTERRUPTING) {
            asked = asked.next();
            answer = setUp(entries, parameters, SETUP_CLAMP | asked.flags());
        }
        setup = asked;
        if (answer < 0) {
            arena.close();
            throw new RingException("io_uring_setup: " + Errno.text((int) -answer)
                    + (answer == -1
                            ? "; see sysctl kernel.io_uring_disabled and the container's seccomp profile"
                            : ""));
        }
        fd = (int) answer;
        int features = get(parameters, "features");
        int sqEntries = get(parameters, "sqEntries");
        long ringBytes = Math.max(
                get(parameters, "sqArray") + sqEntries * (long) Integer.BYTES,
                get(parameters, "cqes") + get(parameters, "cqEntries") * CQE.byteSize());
        if ((features & FEATURES_NEEDED) != FEATURES_NEEDED || sqEntries < entries) {
            Kernel.close(fd);
            arena.close();
            throw new RingException("this kernel's io_uring is too old (features 0x" + Integer.toHexString(features)
                    + "); Linux 5.11 or newer is needed");
        }
        rings = map(POSITION_OF_RINGS, ringBytes);
        try {
            sqes = map(POSITION_OF_SQES, sqEntries * SQE.byteSize());
        } catch (RingException e) {
            Kernel.unmap(rings.address(), ringBytes);
            throw e;
        }
        pauses = arena.allocate(TIME, sqEntries);
        sqTailOffset = get(parameters, "sqTail");
        sqFlagsOffset = get(parameters, "sqFlags");
        cqHeadOffset = get(parameters, "cqHead");
        cqTailOffset = get(parameters, "cqTail");
        cqesOffset = get(parameters, "cqes");
        sqMask = (int) COUNTER.get(rings, (long) get(parameters, "sqMask"));
        cqMask = (int) COUNTER.get(rings, (long) get(parameters, "cqMask"));
        for (int i = 0; i < sqEntries; i++) {
            COUNTER.set(rings, get(parameters, "sqArray") + i * (long) Integer.BYTES, i); // Entry i is always entry i.
        }
        argumentWithTime.set(JAVA_LONG, ARGUMENT.byteOffset(PathElement.groupElement("time")), time.address());
    }

    /** What the kernel has granted. */
    RingSetup setup() {
        return setup;
    }

    /** Begins a submission; returns where it is, for {@link #place}. */
    long add(byte opcode, int descriptor, int operationFlags, long userData) {
        assert unsubmitted <= sqMask : "more submissions than entries";
        long entry = (sqTail & sqMask) * SQE.byteSize();
        Zeros.fill(sqes, entry, SQE.byteSize());
        SQE_OPCODE.set(sqes, entry, opcode);
        SQE_FD.set(sqes, entry, descriptor);
        SQE_OPERATION_FLAGS.set(sqes, entry, operationFlags);
        SQE_USER_DATA.set(sqes, entry, userData);
        sqTail++;
        unsubmitted++;
        return entry;
    }

    /** Says which bytes the submission that {@link #add} has begun is about. */
    void place(long entry, long position, long address, int bytes) {
        SQE_POSITION.set(sqes, entry, position);
        SQE_ADDRESS.set(sqes, entry, address);
        SQE_BYTES.set(sqes, entry, bytes);
    }

    /** A submission that does nothing but to complete some time from now. */
    void addPause(long nanos, long userData) {
        long pause = (sqTail & sqMask) * TIME.byteSize();
        pauses.set(JAVA_LONG, pause, nanos / NANOS_PER_SECOND);
        pauses.set(JAVA_LONG, pause + Long.BYTES, nanos % NANOS_PER_SECOND);
        long entry = add(OPCODE_TIMEOUT, -1, 0, userData);
        place(entry, 0, pauses.address() + pause, 1);
    }

    /** Room for all submissions, as the kernel reads it. */
    MemorySegment submissions() {
        return sqes;
    }

    int unsubmitted() {
        return unsubmitted;
    }

    /** Hands the submissions over and collects what is done; does not wait. */
    void submit() {
        int flags = (int) COUNTER.getAcquire(rings, sqFlagsOffset);
        if (unsubmitted > 0 || (flags & (SQ_TASKRUN | SQ_CQ_OVERFLOW)) != 0) {
            enter(0, ENTER_GETEVENTS, argument);
        }
    }

    /** Hands the submissions over and waits for a completion, or until time is up. May return early. */
    void submitAndWait(long nanosMax) {
        if (nanosMax == Long.MAX_VALUE) {
            enter(1, ENTER_GETEVENTS, argument);
            return;
        }
        time.set(JAVA_LONG, 0, Math.max(0, nanosMax) / NANOS_PER_SECOND);
        time.set(JAVA_LONG, Long.BYTES, Math.max(0, nanosMax) % NANOS_PER_SECOND);
        enter(1, ENTER_GETEVENTS, argumentWithTime);
    }

    boolean hasCompletion() {
        return (int) COUNTER.getAcquire(rings, cqTailOffset) != cqHead; // The kernel releases it after the entry.
    }

    /** User data of the oldest completion; only if there is one. */
    long userData() {
        return (long) CQE_USER_DATA.get(rings, cqesOffset + (cqHead & cqMask) * CQE.byteSize());
    }

    /** Bytes or {@code -errno} of the oldest completion; only if there is one. */
    int result() {
        return (int) CQE_RESULT.get(rings, cqesOffset + (cqHead & cqMask) * CQE.byteSize());
    }

    /** Gives the entry of the oldest completion back. */
    void removeCompletion() {
        cqHead++;
        COUNTER.setRelease(rings, cqHeadOffset, cqHead); // The kernel acquires it before it writes there again.
    }

    @Override
    public void close() {
        Kernel.unmap(sqes.address(), sqes.byteSize());
        Kernel.unmap(rings.address(), rings.byteSize());
        Kernel.close(fd);
        arena.close();
    }

    private void enter(int completeMin, int flags, MemorySegment with) {
        COUNTER.setRelease(rings, sqTailOffset, sqTail); // The kernel acquires it before it reads the entries.
        long answer = kernel.enterRing(this, unsubmitted, completeMin, flags | ENTER_EXT_ARG, with);
        if (answer >= 0) {
            unsubmitted -= (int) answer;
            refusals = 0;
            assert unsubmitted >= 0 : "more submitted than there were";
            return;
        }
        switch ((int) -answer) {
            case Errno.INTERRUPTED, Errno.TIME -> {} // The caller comes back.
            case Errno.AGAIN, Errno.BUSY -> refused((int) -answer, completeMin > 0);
            default -> throw refusal((int) -answer);
        }
    }

    /** The caller comes back; one who waits does so only when there may be room, for which completions make some. */
    private void refused(int errno, boolean isWaiting) {
        if (!isWaiting || hasCompletion()) {
            return;
        }
        if (++refusals > REFUSALS_MAX) {
            throw refusal(errno);
        }
        Progress.pause(Progress.pauseNanos(refusals));
    }

    private static RingException refusal(int errno) {
        return new RingException("io_uring_enter: " + Errno.text(errno));
    }

    /** Where calls for this ring leave their {@code errno}. */
    MemorySegment errno() {
        return errno;
    }

    int fd() {
        return fd;
    }

    private long setUp(int entries, MemorySegment parameters, int flags) {
        parameters.fill((byte) 0);
        parameters.set(JAVA_INT, PARAMETERS.byteOffset(PathElement.groupElement("flags")), flags);
        return Kernel.setUpRing(entries, parameters);
    }

    private MemorySegment map(long position, long bytes) {
        long address = Kernel.mapShared(fd, position, bytes);
        if (address < 0 && address > -4096) {
            Kernel.close(fd);
            arena.close();
            throw new RingException("mmap of a ring: " + Errno.text((int) -address));
        }
        return Kernel.segment(address, bytes);
    }

    private static int get(MemorySegment parameters, String name) {
        return parameters.get(JAVA_INT, PARAMETERS.byteOffset(PathElement.groupElement(name)));
    }

    private static VarHandle field(StructLayout layout, String name) {
        return layout.varHandle(PathElement.groupElement(name)).withInvokeExactBehavior();
    }
}
