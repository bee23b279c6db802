package io.nyala.rpc;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * The memory that answers may hold in all, over all connections of a server, from when they are made until their
 * clients have taken them. While there is as much as that, calls do not begin: they wait, and go on when some of it has
 * been taken. Beyond the limit there may be one answer for each thread that runs calls, and those of calls that had
 * begun before; and some for quick calls, so that a server at its limit can still be talked to.
 *
 * <p>What nobody takes would be held for as long as its client likes, and with it the requests of the calls that wait
 * behind it. So while a call waits for that, or a request waits for memory, connections that have not taken all of
 * their answers are looked at every {@link RequestBytes#LOOK_MILLIS}: each should take 1 MiB a second, and is late by
 * what is missing. One that is too late, the latest first, is told so, and goes with all it holds; as many are as let
 * those who wait go on. While nobody waits, the thinnest line will do.
 *
 * <p>It has no clock: a look counts for the time between looks, however late it comes. Thread-safe. Who waits, or is
 * too late, is told on the thread that gives back, or looks.
 */
final class AnswerBytes {
    /** Quick calls may go so far beyond the limit: their answers are some dozens of bytes. */
    private static final int QUICK_BYTES = 4 << 20;

    /** Connections that go on at a time; the others do when those have had their turn. */
    private static final int WOKEN_MAX = 16;

    private final long limitBytes;
    private final long lateMillisMax;
    private final RequestBytes requests;
    private final Consumer<Runnable> later;
    private final Runnable look = this::look;
    private final AtomicLong usedBytes = new AtomicLong();
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock.
    private final LinkedHashSet<Answers> line = new LinkedHashSet<>();
    private final LinkedHashSet<Answers> holders = new LinkedHashSet<>();
    private boolean isLooking;
    private int turns; // Connections that were told to go on, and have not done so yet.

    private volatile boolean hasLine; // Written under the lock.

    /**
     * @param lateMillisMax how late a connection may be
     * @param requests whose memory is looked after, too
     * @param later runs something {@link RequestBytes#LOOK_MILLIS} later
     */
    AnswerBytes(long limitBytes, long lateMillisMax, RequestBytes requests, Consumer<Runnable> later) {
        this.limitBytes = limitBytes;
        this.lateMillisMax = lateMillisMax;
        this.requests = requests;
        this.later = later;
        requests.whenOneWaits(this::lookLater);
    }

    boolean isFull(boolean isQuick) {
        return usedBytes.get() >= limitBytes + (isQuick ? QUICK_BYTES : 0);
    }

    /** So much more is held, or less. */
    void add(long bytes) {
        boolean isLess = bytes < 0;
        if (usedBytes.addAndGet(bytes) < limitBytes && isLess && hasLine) {
            wake();
        }
    }

    /** Whether connections wait; who comes after them does, too. */
    boolean hasLine() {
        return hasLine;
    }

    /** One that was told has done what it could. */
    void turnEnded() {
        lock.lock();
        try {
            turns--;
        } finally {
            lock.unlock();
        }
        next();
    }

    private void next() {
        if (hasLine && !isFull(false)) {
            wake();
        }
    }

    /** A connection has calls that wait for what others hold: it is told when there is room, or may be. */
    void enqueue(Answers client) {
        lock.lock();
        try {
            line.add(client);
            hasLine = true;
        } finally {
            lock.unlock();
        }
        lookLater();
        next(); // What made room may not have seen it in line.
    }

    /** The next ones in line, unless some have their turn: who comes back must not be before who has not been there. */
    private void wake() {
        List<Answers> woken = new ArrayList<>(WOKEN_MAX); // Whole, before one is taken from the line.
        lock.lock();
        try {
            if (turns > 0) {
                return;
            }
            while (!line.isEmpty() && woken.size() < WOKEN_MAX) {
                woken.add(line.removeFirst());
            }
            turns = woken.size();
            hasLine = !line.isEmpty();
        } finally {
            lock.unlock();
        }
        woken.forEach(Answers::goOn);
    }

    /** A client that has not taken all; until {@link #takenBy}. */
    void heldBy(Answers client) {
        lock.lock();
        try {
            holders.add(client);
        } finally {
            lock.unlock();
        }
    }

    /** A client that has taken all, or has gone. */
    void takenBy(Answers client) {
        lock.lock();
        try {
            holders.remove(client);
        } finally {
            lock.unlock();
        }
    }

    /** A client that has gone waits for nothing. */
    void leave(Answers client) {
        lock.lock();
        try {
            line.remove(client);
            hasLine = !line.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    private void lookLater() {
        lock.lock();
        try {
            if (isLooking) {
                return;
            }
            isLooking = true;
            holders.forEach(Answers::beginLooks); // What they did while nobody waited is their own affair.
        } finally {
            lock.unlock();
        }
        later.accept(look);
    }

    /** Finds what is too late, while somebody waits; then looks again later. */
    private void look() {
        lock.lock();
        try {
            isLooking = !line.isEmpty() || requests.missingBytes() > 0;
            if (!isLooking) {
                return;
            }
        } finally {
            lock.unlock();
        }
        try {
            tooLate().forEach(Answers::tooLate);
            allHolders().forEach(Answers::look);
            next();
        } finally { // Whatever fails: nobody else looks.
            later.accept(look);
        }
    }

    private List<Answers> allHolders() {
        lock.lock();
        try {
            return List.copyOf(holders);
        } finally {
            lock.unlock();
        }
    }

    private List<Answers> tooLate() {
        lock.lock();
        try {
            long missing = line.isEmpty() ? 0 : Math.max(0, usedBytes.get() - limitBytes + 1);
            return tooLate(missing, requests.missingBytes());
        } finally {
            lock.unlock();
        }
    }

    /** The latest of those that are too late, as many as hold what is missing of answers, and of requests. */
    private List<Answers> tooLate(long answersMissing, long requestsMissing) {
        List<Answers> all = new ArrayList<>(holders);
        all.removeIf(client -> client.lateMillis() <= lateMillisMax);
        all.sort(Comparator.comparingLong(client -> -client.lateMillis()));
        List<Answers> late = new ArrayList<>();
        long answers = answersMissing;
        long ofRequests = requestsMissing;
        for (Answers client : all) {
            if (answers > 0 || (ofRequests > 0 && client.requestBytes() > 0)) {
                late.add(client);
                answers -= client.heldBytes();
                ofRequests -= client.requestBytes();
            }
        }
        return late;
    }

    long usedBytes() {
        return usedBytes.get();
    }
}
