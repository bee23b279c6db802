package io.nyala.record;

import static io.nyala.record.ClientResults.NOT_FOUND;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The clients that a tablet knows, by their ids, each in a slot that it keeps while it is known.
 *
 * <p>Belongs to one thread. Allocates only to grow.
 */
final class ClientTable {
    private static final int CLIENTS_MIN = 4;

    private @Nullable ClientResults[] clients = new ClientResults[CLIENTS_MIN]; // By slot; null where there is none.
    private int slotsUsed; // All clients are below it.
    private int count;

    /** Slots by hash of the client's id, each plus one; 0 is empty. A power of two, at most half full. */
    private int[] buckets = new int[2 * CLIENTS_MIN];

    /** Becomes an independent copy of another. */
    void copyOf(ClientTable source) {
        clients = source.clients.clone();
        for (int slot = 0; slot < source.slotsUsed; slot++) {
            ClientResults client = source.clients[slot];
            clients[slot] = client == null ? null : client.copy();
        }
        slotsUsed = source.slotsUsed;
        count = source.count;
        buckets = source.buckets.clone();
    }

    int count() {
        return count;
    }

    /** Slots that may have clients. */
    int slotsUsed() {
        return slotsUsed;
    }

    @Nullable
    ClientResults get(int slot) {
        return clients[slot];
    }

    /** Of a slot that has one. */
    ClientResults at(int slot) {
        ClientResults client = clients[slot];
        if (client == null) {
            throw new AssertionError("no client in slot " + slot);
        }
        return client;
    }

    /** Slot of the client of that id, or {@link ClientResults#NOT_FOUND}. */
    int find(long high, long low) {
        int mask = buckets.length - 1;
        for (int bucket = hash(high, low) & mask; buckets[bucket] != 0; bucket = bucket + 1 & mask) {
            ClientResults client = at(buckets[bucket] - 1);
            if (client.low == low && client.high == high) {
                return buckets[bucket] - 1;
            }
        }
        return NOT_FOUND;
    }

    /** Takes a client that is not there. */
    ClientResults add(long high, long low) {
        assert find(high, low) == NOT_FOUND : "client " + high + " " + low;
        var client = new ClientResults(high, low);
        int free = count == slotsUsed ? slotsUsed : 0; // Without a gap there is none to look for.
        while (free < slotsUsed && clients[free] != null) {
            free++;
        }
        boolean isFull = free == clients.length;
        if (isFull) {
            clients = Arrays.copyOf(clients, 2 * free);
            buckets = new int[2 * clients.length];
        }
        clients[free] = client;
        slotsUsed = Math.max(slotsUsed, free + 1);
        count++;
        if (isFull) {
            rehash();
        } else {
            putInBucket(client, free);
        }
        return client;
    }

    /** Takes the client out of a slot; {@link #rehash} has to follow before any is looked for. */
    void remove(int slot) {
        clients[slot] = null;
        count--;
        while (slotsUsed > 0 && clients[slotsUsed - 1] == null) {
            slotsUsed--;
        }
    }

    /** Clients go rarely, and many at a time. */
    void rehash() {
        Arrays.fill(buckets, 0);
        for (int slot = 0; slot < slotsUsed; slot++) {
            ClientResults client = clients[slot];
            if (client != null) {
                putInBucket(client, slot);
            }
        }
    }

    private void putInBucket(ClientResults client, int slot) {
        int mask = buckets.length - 1;
        int bucket = hash(client.high, client.low) & mask;
        while (buckets[bucket] != 0) {
            bucket = bucket + 1 & mask;
        }
        buckets[bucket] = slot + 1;
    }

    private static int hash(long high, long low) {
        long mixed = (high ^ Long.rotateLeft(low, 32)) * 0x9e37_79b9_7f4a_7c15L;
        return (int) (mixed >>> 32);
    }
}
