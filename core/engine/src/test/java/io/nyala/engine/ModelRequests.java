package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.record.RequestName;
import io.nyala.rows.Schema;
import io.nyala.time.HybridTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Requests with names, and what each tablet has said to them as far as is known. Whenever one is made again, a tablet
 * that has answered it gives that answer, and does nothing; one that has not does it now.
 */
final class ModelRequests {
    /** Of a table. */
    private static final int CLIENTS_MAX = 3;

    /** Of a client; far fewer than are remembered of it. */
    private static final int REQUESTS_MAX = 60;

    private final Map<ModelDriver, List<Client>> clients = new HashMap<>();

    /** Who makes requests of one table. */
    private static final class Client {
        private final UUID id;
        private final List<Request> requests = new ArrayList<>();
        private long nextSequence;

        /** It has said that it has heard the answers of those below. */
        private long completeBelow;

        Client(SplittableRandom random) {
            this.id = new UUID(random.nextLong(), random.nextLong() | 1);
        }
    }

    /**
     * What a tablet has said.
     *
     * @param isCertain whether it has that answer still; else it may have been lost, or forgotten
     */
    private record Answer(ModelPart.Decided decided, boolean isCertain) {}

    /** A request: the same rows whenever it is made. */
    static final class Request {
        private final Client client;
        private final RequestName name;
        private final Schema schema;
        private final List<ModelOperation> operations;
        private final boolean isAtomic;
        private final Map<ModelTablet, Answer> answers = new HashMap<>();

        private Request(
                Client client, RequestName name, Schema schema, List<ModelOperation> operations, boolean isAtomic) {
            this.client = client;
            this.name = name;
            this.schema = schema;
            this.operations = operations;
            this.isAtomic = isAtomic;
        }

        RequestName name() {
            return name;
        }

        boolean isAtomic() {
            return isAtomic;
        }

        /** Its operations, for a table that has other columns by now; null if they could not be put in. */
        @Nullable
        List<ModelOperation> operations(Schema present) {
            List<ModelOperation> translated = new ArrayList<>();
            for (ModelOperation operation : operations) {
                ModelOperation same = operation.inSchema(schema, present);
                if (same == null) {
                    return null;
                }
                translated.add(same);
            }
            return translated;
        }

        /** Whether a tablet may refuse it because it has forgotten the answer. */
        boolean mayBeStale() {
            return name.sequence() < client.completeBelow;
        }

        /** Whether the part was answered before, and this is that answer. Anything else took effect now. */
        boolean isRepeated(ModelPart part) {
            Answer answer = answers.get(part.tablet());
            return answer != null && answer.decided().time() == part.time();
        }

        /** A tablet gave an answer that it had given before. */
        void repeated(ModelPart part) {
            Answer answer = answers.get(part.tablet());
            assertEquals(
                    answer == null ? null : answer.decided().errors(),
                    part.existing().errors(),
                    toString());
        }

        /** A tablet took its part, for the first time. */
        void taken(ModelPart part) {
            Answer before = answers.get(part.tablet());
            if (before != null && before.isCertain()) {
                throw new AssertionError("took effect twice, at "
                        + HybridTime.format(before.decided().time()) + " and at " + HybridTime.format(part.time())
                        + ": " + this);
            }
            answers.put(part.tablet(), new Answer(part.existing(), !part.isForgettable()));
        }

        /** A crash has left the part, or perhaps not, if that is not certain. */
        void recovered(ModelPart part, boolean isCertain) {
            answers.put(part.tablet(), new Answer(part.existing(), isCertain && !part.isForgettable()));
        }

        /** A crash has taken the part. */
        void lost(ModelPart part) {
            if (isRepeated(part)) {
                answers.remove(part.tablet());
            }
        }

        private void mayBeForgotten() {
            answers.replaceAll((_, answer) -> new Answer(answer.decided(), false));
        }

        @Override
        public String toString() {
            return name.toString();
        }
    }

    /** A new request; it may say that earlier ones are complete. */
    Request next(
            SplittableRandom random,
            ModelDriver driver,
            List<ModelOperation> operations,
            boolean isAtomic,
            boolean isNothingUnderWay) {
        List<Client> all = clients.computeIfAbsent(driver, _ -> new ArrayList<>());
        int index = random.nextInt(CLIENTS_MAX);
        if (index >= all.size()) {
            all.add(new Client(random.split()));
            index = all.size() - 1;
        }
        Client client = all.get(index);
        long sequence = client.nextSequence++;
        if (isNothingUnderWay && random.nextInt(8) == 0) {
            client.completeBelow = Math.max(client.completeBelow, random.nextLong(sequence + 1));
        }
        var name = RequestName.of(client.id, sequence, client.completeBelow);
        var request = new Request(client, name, driver.schema(), operations, isAtomic);
        client.requests.add(request);
        if (client.requests.size() > REQUESTS_MAX) {
            client.requests.removeFirst();
        }
        return request;
    }

    /** A request that was made before, whatever became of it; null if there is none. Rarely one that is complete. */
    @Nullable
    Request any(SplittableRandom random, ModelDriver driver) {
        List<Client> all = clients.getOrDefault(driver, List.of());
        if (all.isEmpty()) {
            return null;
        }
        Client client = all.get(random.nextInt(all.size()));
        boolean isStaleWanted = random.nextInt(8) == 0;
        List<Request> wanted = client.requests.stream()
                .filter(request -> request.mayBeStale() == isStaleWanted)
                .toList();
        return wanted.isEmpty() ? null : wanted.get(random.nextInt(wanted.size()));
    }

    /** So much time has passed that clients which were not heard of meanwhile may be forgotten. */
    void longTimePassed() {
        for (List<Client> all : clients.values()) {
            all.forEach(client -> client.requests.forEach(Request::mayBeForgotten));
        }
    }
}
