package io.nyala.io;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A kernel that answers as a real one seldom does: to each call what is drawn, or told beforehand. What it does, the
 * real one does for it: a part of a transfer is really done, and a completion is really one of the ring. Shared by
 * threads.
 */
final class SeldomKernel implements KernelCalls {
    private static final int SECTOR = 512; // The least that a direct transfer does.
    private static final int BUSY = 16;
    private static final int NOT_SUPPORTED = 95;

    /** Of a submission; see {@link Ring}. */
    private static final long SUBMISSION_BYTES = 64;

    private static final long LENGTH_AT = 24;
    private static final long FLAGS_AT = 28;
    private static final long USER_DATA_AT = 32;
    private static final byte TIMEOUT = 11;
    private static final byte FSYNC = 3;
    private static final byte READ = 22;
    private static final byte WRITE = 23;
    private static final int NOP_INJECT_RESULT = 1; // Linux 6.10; an older one answers 0.

    enum Answer {
        WHOLE(0),
        PART(0),
        NOTHING(0),
        INTERRUPTED(4),
        AGAIN(11);

        private final int errno;

        Answer(int errno) {
            this.errno = errno;
        }
    }

    private final SplittableRandom random;
    private final ArrayDeque<Answer> told = new ArrayDeque<>();
    private final Map<Answer, Integer> given = new EnumMap<>(Answer.class);
    private final IdentityHashMap<Ring, Integer> submitted = new IdentityHashMap<>();
    private Runnable afterNext = () -> {};
    private boolean hasRoomKept = true;
    private boolean isSeldom;
    private int pauseCount;

    SeldomKernel(SplittableRandom random) {
        this.random = random;
    }

    /** From now on any answer, or only the real ones. */
    synchronized void answerSeldom(boolean seldom) {
        isSeldom = seldom;
    }

    /** The answers to the next transfers. */
    synchronized void answerNext(Answer answer, int count) {
        for (int i = 0; i < count; i++) {
            told.add(answer);
        }
    }

    /** Something that happens behind the next call, before anybody looks at its answer. */
    synchronized void afterNext(Runnable action) {
        afterNext = action;
    }

    /** Keeps no room for files without writing to them, as some file systems. */
    synchronized void keepNoRoom() {
        hasRoomKept = false;
    }

    /** How often it was asked for a transfer and gave that answer. */
    synchronized int given(Answer answer) {
        return given.getOrDefault(answer, 0);
    }

    /** Pauses that it was asked for as those are that a ring has. */
    synchronized int pauseCount() {
        return pauseCount;
    }

    /** The next answer. */
    synchronized Answer draw() {
        Answer next = told.poll();
        if (next == null) {
            next = isSeldom && random.nextInt(4) != 0
                    ? Answer.values()[random.nextInt(Answer.values().length)]
                    : Answer.WHOLE;
        }
        given.merge(next, 1, Integer::sum);
        return next;
    }

    /** Some of the bytes, of which there is at least a sector. */
    synchronized long part(long bytes) {
        return SECTOR * random.nextLong(1, bytes / SECTOR + 1);
    }

    /** Behind a call. */
    synchronized void acted() {
        Runnable action = afterNext;
        afterNext = () -> {};
        action.run();
    }

    @Override
    public synchronized long readVector(MemorySegment errno, int fd, MemorySegment vector, long position) {
        return switch (draw()) {
            case INTERRUPTED -> -Answer.INTERRUPTED.errno;
            case AGAIN, NOTHING -> -Answer.AGAIN.errno; // Nothing would be the end of the file.
            case PART -> {
                vector.set(JAVA_LONG, Long.BYTES, part(vector.get(JAVA_LONG, Long.BYTES)));
                yield Kernel.readVector(errno, fd, vector, position);
            }
            case WHOLE -> Kernel.readVector(errno, fd, vector, position);
        };
    }

    @Override
    public synchronized long writeVector(MemorySegment errno, int fd, MemorySegment vector, long position, int flags) {
        Answer answer = draw();
        if (answer == Answer.PART) {
            vector.set(JAVA_LONG, Long.BYTES, part(vector.get(JAVA_LONG, Long.BYTES)));
        }
        long done = answer == Answer.WHOLE || answer == Answer.PART
                ? Kernel.writeVector(errno, fd, vector, position, flags)
                : -answer.errno;
        acted();
        return done;
    }

    @Override
    public synchronized long syncData(MemorySegment errno, int fd) {
        Answer answer = draw();
        return answer.errno == 0 ? Kernel.syncData(errno, fd) : -answer.errno;
    }

    @Override
    public synchronized long allocate(int fd, int mode, long position, long bytes) {
        if (!hasRoomKept) {
            return -NOT_SUPPORTED;
        }
        return draw() == Answer.INTERRUPTED ? -Answer.INTERRUPTED.errno : Kernel.allocate(fd, mode, position, bytes);
    }

    @Override
    public synchronized long truncate(int fd, long bytes) {
        return draw() == Answer.INTERRUPTED ? -Answer.INTERRUPTED.errno : Kernel.truncate(fd, bytes);
    }

    @Override
    public long enterRing(Ring ring, int toSubmit, int completeMin, int flags, MemorySegment argument) {
        int submitting;
        synchronized (this) {
            if (isSeldom && random.nextInt(8) == 0) {
                int[] refusals = {Answer.INTERRUPTED.errno, Answer.AGAIN.errno, BUSY};
                return -refusals[random.nextInt(refusals.length)];
            }
            submitting = isSeldom && toSubmit > 0 && random.nextInt(4) == 0 ? random.nextInt(toSubmit) + 1 : toSubmit;
            int first = submitted.getOrDefault(ring, 0);
            for (int i = first; i < first + submitting; i++) {
                alter(
                        ring.submissions(),
                        i * SUBMISSION_BYTES % ring.submissions().byteSize());
            }
        }
        // Who could not submit all does not wait.
        long answer =
                KernelCalls.super.enterRing(ring, submitting, submitting < toSubmit ? 0 : completeMin, flags, argument);
        synchronized (this) {
            submitted.merge(ring, (int) Math.max(0, answer), Integer::sum);
        }
        if (submitting > 0) {
            acted();
        }
        return answer;
    }

    /** Makes of a submission one to which the kernel gives another answer. */
    private void alter(MemorySegment submissions, long at) {
        byte opcode = submissions.get(JAVA_BYTE, at);
        pauseCount += opcode == TIMEOUT ? 1 : 0;
        if ((opcode != READ && opcode != WRITE && opcode != FSYNC)
                || submissions.get(JAVA_LONG, at + USER_DATA_AT) < 0) {
            return; // A pause, one that was altered before, or what waits for being woken.
        }
        Answer answer = draw();
        if (answer == Answer.WHOLE || (opcode == FSYNC && answer.errno == 0)) {
            return;
        }
        if (answer == Answer.PART) {
            submissions.set(JAVA_INT, at + LENGTH_AT, (int) part(submissions.get(JAVA_INT, at + LENGTH_AT)));
            return;
        }
        boolean isEnd = opcode == READ && answer == Answer.NOTHING; // As nothing would be, which it is not.
        long token = submissions.get(JAVA_LONG, at + USER_DATA_AT);
        submissions.asSlice(at, SUBMISSION_BYTES).fill((byte) 0); // An operation that does nothing.
        submissions.set(JAVA_INT, at + FLAGS_AT, NOP_INJECT_RESULT);
        submissions.set(JAVA_INT, at + LENGTH_AT, -(isEnd ? Answer.AGAIN.errno : answer.errno));
        submissions.set(JAVA_LONG, at + USER_DATA_AT, token);
    }
}
