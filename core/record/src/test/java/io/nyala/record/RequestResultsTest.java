package io.nyala.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Allocation;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import io.nyala.time.HybridTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: a request has the answer that it got first, or none, or is stale, exactly as the rules say; and a restart knows
 * each answer that the writer knew, whatever was carried forward and let go of.
 * Method: random requests of a few clients against a map, with small limits; the log is replayed again and again.
 */
final class RequestResultsTest {
    private static final RequestLimits SMALL = new RequestLimits(5, 7, 1000, 2000, 500);
    private static final int CLIENTS = 8;
    private static final int ERRORS_MAX = 9;

    /** The same rules, over sorted maps. */
    private static final class Model {
        final RequestLimits limits;
        final long roomBytes;
        final TreeMap<Long, Client> clients = new TreeMap<>();

        /** What answers of other tablets take. */
        long othersBytes;

        Model(RequestLimits limits, long roomBytes) {
            this.limits = limits;
            this.roomBytes = roomBytes;
        }

        static final class Client {
            final TreeMap<Long, Answer> answers = new TreeMap<>();
            final List<Long> executed = new ArrayList<>();
            long forgottenBelow;
            long lastUsed;
        }

        record Answer(long timestamp, long logSequence, Refused refused) {}

        @Nullable
        Client client(long id, long now) {
            Client client = clients.get(id);
            if (client != null && isLate(client, now)) {
                clients.remove(id);
                return null;
            }
            return client;
        }

        boolean isLate(Client client, long now) {
            return HybridTime.micros(now) - HybridTime.micros(client.lastUsed) > limits.forgetAfterMicros();
        }

        /** Forgets so many of those that others may take the place of; false if there are none. */
        boolean replaceQuietest(int count, long now) {
            List<Long> quiet = clients.keySet().stream()
                    .filter(id ->
                            HybridTime.micros(now) - HybridTime.micros(lastUsed(id)) > limits.replaceAfterMicros())
                    .sorted(Comparator.comparingLong(this::lastUsed))
                    .limit(count)
                    .toList();
            return clients.keySet().removeAll(quiet);
        }

        private long lastUsed(long id) {
            return Objects.requireNonNull(clients.get(id)).lastUsed;
        }

        static void forgetBelow(Client client, long sequence) {
            client.answers.headMap(sequence).clear();
            client.forgottenBelow = Math.max(client.forgottenBelow, sequence);
        }

        static void forgetFirst(Client client) {
            forgetBelow(client, client.answers.firstKey() + 1);
        }

        long bytes() {
            return clients.values().stream().mapToLong(Model::bytes).sum();
        }

        private static long bytes(Client client) {
            return 40
                    + client.answers.values().stream()
                            .mapToLong(answer -> 24 + 8L * answer.refused().errorCount())
                            .sum();
        }

        boolean hasRoom(@Nullable Client client, int errorCountMax, long freedBytes) {
            long more = 24 + 8L * errorCountMax + (client == null ? 40 : 0) - freedBytes;
            return bytes() + more <= limits.bytes()
                    && (more <= 0 || othersBytes + bytes() + more <= roomBytes)
                    && (client != null || clients.size() < limits.clients());
        }
    }

    /** One life of a table of answers. */
    private static final class Run {
        final SplittableRandom random;
        final RequestLimits limits;
        final Model model;
        final AnswersLog log;
        final AnswerRoom room;
        RequestResults results;
        long now = HybridTime.of(1_000_000, 0);
        long[] nextSequence = new long[CLIENTS];
        long[] heardBelow = new long[CLIENTS];
        long[] lifeBegan = new long[CLIENTS];
        int answered;
        int repeated;
        int stale;
        int full;
        int wanted;
        int replaced;

        Run(SplittableRandom random, RequestLimits limits, long roomBytes) {
            this.random = random;
            this.limits = limits;
            this.model = new Model(limits, roomBytes);
            this.log = new AnswersLog(limits);
            this.room = new AnswerRoom(roomBytes, () -> wanted++);
            this.results = new RequestResults(limits, room);
        }

        void step() {
            now += HybridTime.of(random.nextInt(60) == 0 ? random.nextInt(3000) : random.nextInt(3), 0) + 1;
            switch (random.nextInt(12)) {
                case 0, 1 -> log.carryNext(results, random.nextInt(80, 400), random.nextInt(120, 300));
                case 2 -> {
                    RequestResults before = results;
                    results = before.copy();
                    before.close();
                    log.giveUpCarrying();
                }
                case 3 -> {
                    results.forgetLate(now);
                    model.clients.values().removeIf(client -> model.isLate(client, now));
                }
                case 4 -> {
                    long others = random.nextLong(1 + model.roomBytes / 2);
                    room.change(others - model.othersBytes);
                    model.othersBytes = others;
                }
                default -> request();
            }
            assertEquals(model.othersBytes + model.bytes(), room.usedBytes());
            assertEquals(full, wanted, "room was wanted as often as there was none");
            assertEquals(model.bytes(), results.bytes());
            assertEquals(model.clients.size(), results.clientCount());
        }

        /** New ones, repeated ones, and such that were long on their way, if not from before it was forgotten. */
        private void request() {
            int client = random.nextInt(CLIENTS);
            long newest = nextSequence[client];
            if (model.client(client, now) == null) {
                lifeBegan[client] = newest;
            }
            if (random.nextInt(3) == 0) {
                heardBelow[client] = Math.max(heardBelow[client], newest - random.nextInt(4));
            }
            long sequence = random.nextInt(3) == 0 ? newest - random.nextInt(12) : newest + random.nextInt(2);
            sequence = Math.max(sequence, lifeBegan[client]);
            nextSequence[client] = Math.max(newest, sequence + 1);
            long first = sequence < newest && random.nextBoolean() ? 0 : Math.min(heardBelow[client], sequence);
            request(client, new RequestName(client, client + 100, sequence, first));
        }

        private void request(long id, RequestName name) {
            Model.Client client = model.client(id, now);
            if (client != null) {
                client.lastUsed = Math.max(client.lastUsed, now);
                Model.forgetBelow(client, name.firstIncomplete());
                Model.Answer answer = client.answers.get(name.sequence());
                if (answer != null) {
                    assertTrue(results.find(name, now), name::toString);
                    assertAnswer(answer, results, name);
                    repeated++;
                    return;
                }
                if (name.sequence() < client.forgottenBelow) {
                    assertThrows(StaleRequestException.class, () -> results.find(name, now), name::toString);
                    stale++;
                    return;
                }
            }
            assertFalse(results.find(name, now), name::toString);
            execute(id, client, name);
        }

        private void execute(long id, Model.@Nullable Client found, RequestName name) {
            int errorCountMax = random.nextInt(ERRORS_MAX + 1);
            long freedBytes = 0;
            if (found != null && found.answers.size() == limits.requestsPerClient()) {
                if (name.sequence() < found.answers.firstKey()) {
                    assertThrows(StaleRequestException.class, () -> results.makeRoom(name, errorCountMax, now));
                    stale++;
                    return;
                }
                freedBytes = 24
                        + 8L * found.answers.firstEntry().getValue().refused().errorCount();
            }
            boolean hasRoom = model.hasRoom(found, errorCountMax, freedBytes);
            if (!hasRoom) {
                model.clients.values().removeIf(client -> model.isLate(client, now));
                hasRoom = model.hasRoom(found, errorCountMax, freedBytes);
            }
            for (int more = 1; !hasRoom && model.replaceQuietest(more, now); more *= 2) {
                hasRoom = model.hasRoom(found, errorCountMax, freedBytes);
                replaced++;
            }
            assertEquals(hasRoom, results.makeRoom(name, errorCountMax, now), name::toString);
            if (!hasRoom) {
                full++;
                return;
            }
            Refused refused = Refused.draw(random, errorCountMax);
            long logSequence = log.append(name, now, refused);
            results.add(name, now, logSequence, refused);
            Model.Client client = model.clients.computeIfAbsent(id, any -> new Model.Client());
            client.lastUsed = now;
            Model.forgetBelow(client, name.firstIncomplete());
            if (client.answers.size() == limits.requestsPerClient()) {
                Model.forgetFirst(client);
            }
            client.answers.put(name.sequence(), new Model.Answer(now, logSequence, refused));
            client.executed.add(name.sequence());
            answered++;
        }

        /** What a restart would know now: every answer, and of no request that was answered it says that it is new. */
        void checkRestart() {
            RequestResults found = log.replay();
            model.clients.forEach((id, client) -> {
                client.answers.forEach((sequence, answer) -> {
                    var name = new RequestName(id, id + 100, sequence, 0);
                    assertTrue(found.find(name, 0), () -> "after a restart: " + name);
                    assertEquals(answer.timestamp(), found.timestamp(), name::toString);
                    assertEquals(answer.refused(), Refused.of(found), name::toString);
                });
                for (long sequence : client.executed) {
                    var name = new RequestName(id, id + 100, sequence, 0);
                    try {
                        assertTrue(found.find(name, 0), () -> "after a restart, as if it was new: " + name);
                    } catch (StaleRequestException _) {
                        // It was forgotten.
                    }
                }
            });
        }
    }

    private static void assertAnswer(Model.Answer expected, RequestResults found, RequestName name) {
        assertEquals(expected.timestamp(), found.timestamp(), name::toString);
        assertEquals(expected.logSequence(), found.logSequence(), name::toString);
        assertEquals(expected.refused(), Refused.of(found), name::toString);
    }

    @RepeatedTest(8)
    void eachRequestHasTheAnswerThatItGotFirstAlsoAfterARestart(@Seed SplittableRandom random) {
        boolean isAlone = random.nextBoolean();
        var run = new Run(random, SMALL, isAlone ? 1_000_000 : random.nextLong(600, 1_500));
        int mostRecords = 0;
        for (int i = 0; i < 4000; i++) {
            run.step();
            mostRecords = Math.max(mostRecords, run.log.recordCount());
            if (random.nextInt(10) == 0) {
                run.checkRestart();
            }
        }
        assertTrue(
                run.answered > (isAlone ? 500 : 50)
                        && run.repeated > (isAlone ? 100 : 5)
                        && run.stale > (isAlone ? 50 : 5)
                        && run.full > 20
                        && run.replaced > 5,
                () -> run.answered + " answered, " + run.repeated + " repeated, " + run.stale + " stale, " + run.full
                        + " refused, " + run.replaced + " replaced");
        assertTrue(mostRecords < run.answered, "the log was never let go of");
    }

    /** One client, one answer of each, or room for hardly more than one. */
    @RepeatedTest(4)
    void eachLimitMayBeTheLeastThereIs(@Seed SplittableRandom random) {
        int clients = random.nextBoolean() ? 1 : 5;
        int requests = clients > 1 || random.nextBoolean() ? 1 : 7;
        long bytes = random.nextBoolean() ? 1_000 : 40 + 24 + 8 * ERRORS_MAX;
        var run =
                new Run(random, new RequestLimits(clients, requests, bytes, 2_000, 1_000), bytes + random.nextInt(100));
        for (int i = 0; i < 1_000; i++) {
            run.step();
            if (random.nextInt(10) == 0) {
                run.checkRestart();
            }
        }
        assertTrue(run.answered > 5 && run.full > 5, () -> run.answered + " answered, " + run.full + " refused");
    }

    // ---- Particular cases ----

    private static RequestName name(long client, long sequence, long firstIncomplete) {
        return RequestName.of(new UUID(client, 1), sequence, firstIncomplete);
    }

    private static void answer(RequestResults results, RequestName name, long time) {
        assertFalse(results.find(name, time));
        assertTrue(results.makeRoom(name, 1, time));
        results.add(name, time, 1, Refused.NONE);
    }

    @Test
    void staleRequestsSayWhatIsKnown() {
        var results = new RequestResults(AnswerRoom.unlimited());
        answer(results, name(7, 5, 4), 1);
        Failure.expect(
                StaleRequestException.class,
                () -> results.find(name(7, 3, 0), 2),
                "request 3 of client 00000000-0000-0007",
                "below 4");
        for (long i = 0; i < RequestLimits.REQUESTS_PER_CLIENT_MAX; i++) {
            answer(results, name(8, 10 + i, 0), 3);
        }
        assertTrue(results.find(name(8, 10, 0), 3));
        answer(results, name(8, 5000, 0), 3);
        Failure.expect(StaleRequestException.class, () -> results.find(name(8, 10, 0), 3), "request 10", "below 11");
        assertTrue(results.find(name(8, 11, 0), 3));
    }

    @Test
    void namesThatMakeNoSenseAreRefused() {
        Failure.expect(IllegalArgumentException.class, () -> new RequestName(0, 0, 1, 1), "client");
        Failure.expect(IllegalArgumentException.class, () -> new RequestName(1, 0, -1, 0), "sequence", "-1");
        Failure.expect(IllegalArgumentException.class, () -> new RequestName(1, 0, 3, 4), "firstIncomplete", "3", "4");
        Failure.expect(IllegalArgumentException.class, () -> new RequestName(1, 0, 3, -1), "firstIncomplete", "-1");
    }

    /** It may come and ask for it: there was no room, so nothing took its place. */
    @Test
    void theOldestAnswerOfAClientStaysWhereTheNewOneHasNoRoom() {
        var results = new RequestResults(SMALL, AnswerRoom.unlimited());
        for (long sequence = 1; sequence <= SMALL.requestsPerClient(); sequence++) {
            answer(results, name(1, sequence, 0), sequence);
        }
        RequestName more = name(1, 100, 0);
        assertFalse(results.makeRoom(more, (int) SMALL.bytes(), 200));
        assertTrue(results.find(name(1, 1, 0), 200));
        Failure.expect(StaleRequestException.class, () -> results.makeRoom(name(1, 0, 0), 0, 200), "below 2");
        assertTrue(results.makeRoom(more, 0, 200));
        assertTrue(results.find(name(1, 1, 0), 200), "it may still fail");
        results.add(more, 201, 9, Refused.NONE);
        Failure.expect(StaleRequestException.class, () -> results.find(name(1, 1, 0), 202), "below 2");
    }

    @Test
    void theLargestBatchCanBeAnswered() {
        var results = new RequestResults(AnswerRoom.unlimited());
        int operations = (8 << 20) / 24; // Fewer, in truth: headers alone are 16 bytes.
        assertTrue(results.makeRoom(name(1, 1, 1), operations, 1));
    }

    /** The client was forgotten, and came back with requests of smaller numbers: a restart goes by the newest. */
    @RepeatedTest(4)
    void aClientThatCameBackIsKnownByItsNewRequests(@Seed SplittableRandom random) {
        var log = new AnswersLog(SMALL);
        log.append(name(1, 500, 499), 10, Refused.draw(random, 3));
        Refused refused = Refused.draw(random, 3);
        log.append(name(1, 2, 1), 20, refused);
        RequestResults results = log.replay();
        assertTrue(results.find(name(1, 2, 1), 0));
        assertEquals(20, results.timestamp());
        assertEquals(refused, Refused.of(results));
        assertTrue(results.find(name(1, 500, 1), 0), "nothing says that it cannot be repeated");
        log.append(name(1, 2, 2), 30, Refused.NONE);
        RequestResults again = log.replay();
        assertTrue(again.find(name(1, 2, 1), 0));
        assertEquals(30, again.timestamp());
    }

    @Tag("allocation")
    @Test
    void answeringAllocatesNothing() {
        var results = new RequestResults(AnswerRoom.unlimited());
        List<RequestName> names = new ArrayList<>();
        for (long client = 0; client < 20; client++) {
            for (long sequence = 0; sequence < 200; sequence++) {
                names.add(name(client, sequence, Math.max(0, sequence - 20)));
            }
        }
        names.sort(Comparator.comparingLong(RequestName::sequence));
        Refused refused = new Refused(List.of(1, 2, 3), List.of(1, 2, 1));
        long[] time = {1};
        int[] next = {0};
        for (int i = 0; i < names.size(); i++) {
            answer(results, names.get(i), 1);
        }
        var again = new RequestResults(AnswerRoom.unlimited());
        Allocation.assertNone("an answer of three errors, and its repetition", () -> {
            if (next[0] == names.size()) {
                return;
            }
            RequestName name = names.get(next[0]++);
            time[0]++;
            if (!again.find(name, time[0]) && again.makeRoom(name, 3, time[0])) {
                again.add(name, time[0], time[0], refused);
            }
            again.find(name, time[0]);
        });
    }
}
