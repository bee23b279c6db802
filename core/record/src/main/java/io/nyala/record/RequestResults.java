package io.nyala.record;

import static io.nyala.record.ClientResults.NOT_FOUND;

import io.nyala.time.HybridTime;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What a tablet has answered to requests that have names, so that a retry gets the same answer and nothing happens
 * twice.
 *
 * <pre>{@code
 *   client -> sequence -> timestamp, log record, operations that were refused
 * }</pre>
 *
 * <p>An answer is forgotten when its client says that it has heard it, when the client has a great many newer ones, or
 * has not been heard of for an hour. Only where there is no room for others, clients go after ten minutes, those first
 * that have been quiet for longest. What was forgotten of a client that is known is refused as stale, because nobody
 * knows whether it took effect.
 *
 * <p>The writer's part is {@link #find}, {@link #makeRoom} and {@link #add}. A restart remembers at least what the
 * writer did: {@link #replay} and the {@code merge} methods are given what stands in the log, in its order, and the
 * newest counts. Whom a restart finds counts as heard of at that time: who waits for an answer could not ask while
 * there was nobody to hear it. The log does not say when a client was forgotten, nor when it only repeated a request;
 * so a restart may find more than the limits allow: as many clients as came while that log was written. Those that were
 * late when it ended go when there is need.
 *
 * <p>Belongs to one thread, the tablet's writer. Allocates only to grow.
 */
public final class RequestResults implements RequestErrors {
    /** Of the clients that there may be, one in so many goes at least when there is no room. */
    private static final int REPLACED_SHARE = 64;

    private final RequestLimits limits;
    private final AnswerRoom room;
    private long roomBytes; // What it was told that there is here.
    private final RefusedOperations errors = new RefusedOperations();

    private final ClientTable clients = new ClientTable();
    private int requestCount;
    private long oldestUsed = Long.MAX_VALUE; // No client was last heard of before.

    // Of a restart: the newest time at which it found that a client was heard of, and that at which it was over.
    private long foundUpTo;
    private long openedAt;

    // The answer that was found last.
    private long foundTimestamp;
    private long foundSequence;
    private int foundErrorsAt;
    private int foundErrorCount;

    /** {@code room}: what there is for all tablets of the host. */
    public RequestResults(AnswerRoom room) {
        this(RequestLimits.DEFAULT, room);
    }

    RequestResults(RequestLimits limits, AnswerRoom room) {
        this.limits = limits;
        this.room = room;
    }

    /** An independent copy, for a tablet that takes the place of this one's. */
    public RequestResults copy() {
        var copy = new RequestResults(limits, room);
        copy.errors.copyOf(errors);
        copy.clients.copyOf(clients);
        copy.requestCount = requestCount;
        copy.oldestUsed = oldestUsed;
        copy.foundUpTo = foundUpTo;
        copy.openedAt = openedAt;
        copy.tellRoom();
        return copy;
    }

    private void tellRoom() {
        long bytes = bytes();
        if (bytes != roomBytes) {
            room.change(bytes - roomBytes);
            roomBytes = bytes;
        }
    }

    /** Nobody asks for these answers any more: others have the room. */
    public void close() {
        room.change(-roomBytes);
        roomBytes = 0;
    }

    // ---- The writer's part ----

    /**
     * Whether a request has an answer, which the accessors below then say. Forgets what the client has heard of.
     *
     * @param now hybrid time, or 0 if it cannot be told just now, and then nobody is forgotten for being late
     * @throws StaleRequestException if its answer was forgotten
     */
    public boolean find(RequestName name, long now) {
        ClientResults client = client(name, now);
        if (client == null) {
            return false;
        }
        client.used(now);
        forgetBelow(client, name.firstIncomplete());
        tellRoom();
        int place = client.find(name.sequence());
        if (place != NOT_FOUND) {
            foundTimestamp = client.timestamp(place);
            foundSequence = client.logSequence(place);
            foundErrorsAt = client.errorsAt(place);
            foundErrorCount = client.errorCount(place);
            return true;
        }
        throwIfStale(name, client.forgottenBelow());
        return false;
    }

    private @Nullable ClientResults client(RequestName name, long now) {
        noteOpened(now);
        int slot = clients.find(name.clientHigh(), name.clientLow());
        if (slot == NOT_FOUND) {
            return null;
        }
        ClientResults client = clients.at(slot);
        if (isLate(Math.max(client.lastUsed(), openedAt), now)) {
            forget(slot);
            tellRoom();
            return null;
        }
        return client;
    }

    private static void throwIfStale(RequestName name, long forgottenBelow) {
        if (name.sequence() < forgottenBelow) {
            throw new StaleRequestException(name, forgottenBelow);
        }
    }

    /** Place of the first of its requests that can stay when there is one more. */
    private int keptFrom(ClientResults client) {
        return client.first() + Math.max(0, client.count() + 1 - limits.requestsPerClient());
    }

    /** When the request that was found took effect. */
    public long timestamp() {
        return foundTimestamp;
    }

    /** The log record of the request that was found: once it is durable the answer holds. */
    public long logSequence() {
        return foundSequence;
    }

    /** Of the request that was found. */
    @Override
    public int errorCount() {
        return foundErrorCount;
    }

    @Override
    public int errorIndex(int error) {
        return errors.index(foundErrorsAt, error);
    }

    @Override
    public int errorCodeNumber(int error) {
        return errors.code(foundErrorsAt, error);
    }

    /**
     * Makes sure that the answer of a request that was not found can be added, however many of its operations are
     * refused; what has to go for it of the client's own goes then. False if there are too many answers of clients that
     * may still ask for them.
     *
     * @throws StaleRequestException if it is so much older than others of its client that its answer could not be kept
     */
    public boolean makeRoom(RequestName name, int errorCountMax, long now) {
        ClientResults client = client(name, now);
        long freedBytes = 0;
        if (client != null) {
            int kept = keptFrom(client);
            for (int place = client.first(); place < kept; place++) {
                freedBytes += AnswersFormat.requestBytes(client, place);
            }
            throwIfStale(name, kept == client.first() ? client.forgottenBelow() : client.sequence(kept - 1) + 1);
        }
        if (hasRoom(client, errorCountMax, freedBytes)) {
            return true;
        }
        forgetLate(now);
        if (!hasRoom(client, errorCountMax, freedBytes)
                && now != 0) { // By then the client itself was heard of after the restart.
            forgetLateAt(foundUpTo);
        }
        replaceQuiet(client, errorCountMax, freedBytes, now);
        boolean hasRoom = hasRoom(client, errorCountMax, freedBytes);
        if (!hasRoom) {
            room.want(); // There may be others that can forget.
        }
        return hasRoom;
    }

    private boolean hasRoom(@Nullable ClientResults client, int errorCountMax, long freedBytes) {
        long more = AnswersFormat.REQUEST_BYTES + (long) errorCountMax * AnswersFormat.ERROR_BYTES;
        if (client == null) {
            more += AnswersFormat.CLIENT_BYTES;
        }
        return bytes() + more - freedBytes <= limits.bytes()
                && room.isFree(more - freedBytes)
                && (client != null || clients.count() < limits.clients());
    }

    /** What the limits are, and what of them is used: for who is refused. */
    public String describeFullness() {
        return ("%,d answers of %,d clients take %,d bytes, of %,d bytes and %,d clients that there may be; those of"
                        + " all tablets take %,d bytes of %,d")
                .formatted(
                        requestCount,
                        clients.count(),
                        bytes(),
                        limits.bytes(),
                        limits.clients(),
                        room.usedBytes(),
                        room.limitBytes());
    }

    /** The answer of a request that was not found, and for which there is room. */
    public void add(RequestName name, long timestamp, long logSequence, RequestErrors refused) {
        ClientResults client = existing(name.clientHigh(), name.clientLow());
        client.used(timestamp);
        forgetBelow(client, name.firstIncomplete());
        for (int kept = keptFrom(client); client.first() < kept; ) {
            forgetFirst(client);
        }
        insert(client, name.sequence(), timestamp, logSequence, refused);
        tellRoom();
    }

    private void insert(ClientResults client, long sequence, long timestamp, long logSequence, RequestErrors refused) {
        int count = refused.errorCount();
        if (!errors.hasRoom(count)) {
            errors.makeRoom(count, clients);
        }
        int at = errors.add(refused);
        client.insert(sequence, timestamp, logSequence, at, count);
        requestCount++;
    }

    // ---- Forgetting ----

    /** Forgets clients that have not been heard of for long. */
    public void forgetLate(long now) {
        noteOpened(now);
        if (isLate(openedAt, now)) {
            forgetLateAt(now);
        }
    }

    /** Forgets clients that were late at {@code time}. */
    private void forgetLateAt(long time) {
        forgetUsedUpTo(usedUpTo(time, limits.forgetAfterMicros()));
    }

    private void forgetUsedUpTo(long lastUsedMax) {
        if (oldestUsed > lastUsedMax) {
            return;
        }
        oldestUsed = Long.MAX_VALUE;
        for (int slot = clients.slotsUsed() - 1; slot >= 0; slot--) {
            ClientResults client = clients.get(slot);
            if (client != null && client.lastUsed() <= lastUsedMax) {
                drop(slot);
            } else if (client != null) {
                oldestUsed = Math.min(oldestUsed, client.lastUsed());
            }
        }
        clients.rehash();
        tellRoom();
    }

    /** The last time that is so long before {@code time}; -1 if there is none. */
    private static long usedUpTo(long time, long micros) {
        long first = HybridTime.micros(time) - micros;
        return first > 0 ? HybridTime.of(first, 0) - 1 : -1;
    }

    /**
     * Makes room of clients that others need more, those first that have been quiet for longest: a share of all at a
     * time, so that not each new client looks through them.
     */
    private void replaceQuiet(@Nullable ClientResults client, int errorCountMax, long freedBytes, long now) {
        long quietUpTo = usedUpTo(now, limits.replaceAfterMicros());
        if (openedAt > quietUpTo) {
            quietUpTo = now == 0 ? -1 : usedUpTo(foundUpTo, limits.replaceAfterMicros());
        }
        if (oldestUsed > quietUpTo || hasRoom(client, errorCountMax, freedBytes)) {
            return;
        }
        long[] times = usedUpTo(quietUpTo);
        int gone = 0;
        int more = Math.ceilDiv(limits.clients(), REPLACED_SHARE);
        for (; gone < times.length && !hasRoom(client, errorCountMax, freedBytes); more *= 2) {
            gone = Math.min(times.length, gone + more);
            forgetUsedUpTo(times[gone - 1]);
        }
    }

    /** When clients were last heard of, if not after {@code lastUsedMax}; in order. */
    private long[] usedUpTo(long lastUsedMax) {
        return IntStream.range(0, clients.slotsUsed())
                .mapToObj(clients::get)
                .mapToLong(client -> client == null ? Long.MAX_VALUE : client.lastUsed())
                .filter(lastUsed -> lastUsed <= lastUsedMax)
                .sorted()
                .toArray();
    }

    private boolean isLate(long lastUsed, long now) {
        return HybridTime.micros(now) - HybridTime.micros(lastUsed) > limits.forgetAfterMicros();
    }

    /** The first time that can be told after a restart. */
    private void noteOpened(long now) {
        if (openedAt < foundUpTo) {
            openedAt = now;
        }
    }

    private void forgetBelow(ClientResults client, long sequence) {
        while (client.count() > 0 && client.sequence(client.first()) < sequence) {
            forgetFirst(client);
        }
        client.forgetBelow(sequence);
    }

    private void forgetFirst(ClientResults client) {
        errors.remove(client.forgetFirst());
        requestCount--;
    }

    private void forget(int slot) {
        drop(slot);
        clients.rehash();
    }

    private void drop(int slot) {
        ClientResults client = clients.at(slot);
        while (client.count() > 0) {
            forgetFirst(client);
        }
        clients.remove(slot);
    }

    /** Whether nothing is remembered, not even what was forgotten. */
    public boolean isEmpty() {
        return clients.count() == 0;
    }

    public int clientCount() {
        return clients.count();
    }

    public int requestCount() {
        return requestCount;
    }

    /** What all answers would take in the log. */
    public long bytes() {
        return (long) clients.count() * AnswersFormat.CLIENT_BYTES
                + (long) requestCount * AnswersFormat.REQUEST_BYTES
                + (long) errors.count() * AnswersFormat.ERROR_BYTES;
    }

    // ---- A restart ----

    /** A named batch that stands in the log. */
    public void replay(RequestName name, long timestamp, long logSequence, RequestErrors refused) {
        ClientResults client = existing(name.clientHigh(), name.clientLow());
        forgetBelow(client, name.firstIncomplete());
        found(client, timestamp);
        takeReplayed(client, name.sequence(), timestamp, logSequence, refused);
        tellRoom();
    }

    /** A client of which answers were written into the log again; {@link #mergeRequest} follows for each of those. */
    void mergeClient(long high, long low, long forgottenBelow, long lastUsed) {
        ClientResults client = existing(high, low);
        forgetBelow(client, forgottenBelow);
        client.rememberFrom(forgottenBelow);
        found(client, lastUsed);
        tellRoom();
    }

    private void found(ClientResults client, long lastUsed) {
        client.used(lastUsed);
        foundUpTo = Math.max(foundUpTo, lastUsed);
    }

    void mergeRequest(long high, long low, long sequence, long timestamp, long logSequence, RequestErrors refused) {
        takeReplayed(existing(high, low), sequence, timestamp, logSequence, refused);
        tellRoom();
    }

    private void takeReplayed(
            ClientResults client, long sequence, long timestamp, long logSequence, RequestErrors refused) {
        client.rememberFrom(sequence); // Below what was forgotten: the client was, before it came to ask for this.
        int place = client.find(sequence);
        if (place != NOT_FOUND) {
            errors.remove(client.remove(place));
            requestCount--;
        }
        while (client.count() >= limits.requestsPerClient() && client.sequence(client.first()) < sequence) {
            forgetFirst(client);
        }
        insert(client, sequence, timestamp, logSequence, refused);
    }

    private ClientResults existing(long high, long low) {
        int slot = clients.find(high, low);
        if (slot != NOT_FOUND) {
            return clients.at(slot);
        }
        oldestUsed = 0; // Of the new one nothing is known yet.
        return clients.add(high, low);
    }

    // ---- What {@link AnswersWriter} walks through ----

    /** Slots that may have clients. */
    int slotsUsed() {
        return clients.slotsUsed();
    }

    @Nullable
    ClientResults clientAt(int slot) {
        return clients.get(slot);
    }

    RefusedOperations errors() {
        return errors;
    }
}
