package io.nyala.rpc;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** The connections of a server, so that there are not too many and closing can wait for them. Thread-safe. */
final class Connections {
    private final int connectionsMax;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition none = lock.newCondition();

    // Guarded by the lock.
    private final Set<Connection> connections = new HashSet<>();

    Connections(int connectionsMax) {
        this.connectionsMax = connectionsMax;
    }

    /** False, and nothing has changed, if there are as many as may be. */
    boolean add(Connection connection) {
        lock.lock();
        try {
            return connections.size() < connectionsMax && connections.add(connection);
        } finally {
            lock.unlock();
        }
    }

    /** A connection has gone, and has freed everything. */
    void remove(Connection connection) {
        lock.lock();
        try {
            connections.remove(connection);
            if (connections.isEmpty()) {
                none.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    int count() {
        lock.lock();
        try {
            return connections.size();
        } finally {
            lock.unlock();
        }
    }

    List<Connection> all() {
        lock.lock();
        try {
            return List.copyOf(connections);
        } finally {
            lock.unlock();
        }
    }

    /** Waits until all have gone; false if that takes longer. */
    boolean awaitNone(long nanosMax) throws InterruptedException {
        long nanos = nanosMax;
        lock.lock();
        try {
            while (!connections.isEmpty()) {
                if (nanos <= 0) {
                    return false;
                }
                nanos = none.awaitNanos(nanos);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }
}
