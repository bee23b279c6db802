package io.nyala.record;

import java.util.Arrays;

/**
 * The refused operations of all answers that a tablet remembers, in one array: index and code of each, those of a
 * request beside one another. What is forgotten leaves a hole; when the array is full the holes are closed.
 *
 * <p>Belongs to one thread. Allocates only to grow.
 */
final class RefusedOperations {
    private static final int INTS = 2;

    private static final int CAPACITY_MIN = 32;

    private int[] pairs = new int[INTS * CAPACITY_MIN];
    private int[] spare = {};
    private int end; // In pairs, as all places and counts here.
    private int count;

    /** How many there are, holes left out. */
    int count() {
        return count;
    }

    int index(int at, int error) {
        return pairs[INTS * (at + error)];
    }

    int code(int at, int error) {
        return pairs[INTS * (at + error) + 1];
    }

    boolean hasRoom(int more) {
        return INTS * (end + more) <= pairs.length;
    }

    /** Closes the holes, and grows if that does not make much room. */
    void makeRoom(int more, ClientTable clients) {
        int needed = count + more;
        int capacity = pairs.length;
        while (capacity < 2 * INTS * needed) {
            capacity *= 2;
        }
        int[] target = spare.length == capacity ? spare : new int[capacity];
        int at = 0;
        for (int slot = 0; slot < clients.slotsUsed(); slot++) {
            ClientResults client = clients.get(slot);
            if (client != null) {
                at = move(client, target, at);
            }
        }
        assert at == count : at + " of " + count;
        spare = pairs; // Taken the next time, if that does not grow.
        pairs = target;
        end = at;
    }

    private int move(ClientResults client, int[] target, int at) {
        int next = at;
        for (int place = client.first(); place < client.end(); place++) {
            int errorCount = client.errorCount(place);
            System.arraycopy(pairs, INTS * client.errorsAt(place), target, INTS * next, INTS * errorCount);
            client.moveErrors(place, next);
            next += errorCount;
        }
        return next;
    }

    /** Takes those of a batch; answers where. There is room. */
    int add(RequestErrors refused) {
        int added = refused.errorCount();
        int at = end;
        for (int i = 0; i < added; i++) {
            pairs[INTS * (at + i)] = refused.errorIndex(i);
            pairs[INTS * (at + i) + 1] = refused.errorCodeNumber(i);
        }
        end += added;
        count += added;
        return at;
    }

    /** Those of a request are not needed any more. */
    void remove(int removed) {
        count -= removed;
        assert count >= 0 : count;
        if (count == 0) {
            end = 0;
        }
    }

    void copyOf(RefusedOperations other) {
        pairs = Arrays.copyOf(other.pairs, other.pairs.length);
        end = other.end;
        count = other.count;
    }
}
