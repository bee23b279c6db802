package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.record.RequestName;
import io.nyala.rows.RowError;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Requests with names that were answered, to be repeated: they get the same answers, and nothing happens. Each table
 * has one client.
 */
final class ModelRequests {
    /** Of a table; far fewer than are remembered of a client. */
    private static final int ANSWERED_MAX = 100;

    /** Half of the time that a client is remembered. */
    private static final long MICROS_MAX = 1_800_000_000L;

    private final Map<ModelDriver, Client> clients = new HashMap<>();

    /** A client, what it has asked, and what it may ask again. */
    private static final class Client {
        private final UUID id;
        private final List<Answered> answered = new ArrayList<>();
        private long nextSequence;

        Client(SplittableRandom random) {
            this.id = new UUID(random.nextLong(), random.nextLong() | 1);
        }
    }

    /** A request of a table, as it was then, and its answer, whose errors do not last. */
    record Answered(
            RequestName name,
            int changes,
            List<ModelOperation> operations,
            boolean isAtomic,
            long timestamp,
            List<RowError> errors,
            long micros) {}

    /** The name of the next request. If nothing else is on its way, it may say that earlier ones are complete. */
    RequestName next(SplittableRandom random, ModelDriver driver, boolean isAlone) {
        Client client = clients.computeIfAbsent(driver, _ -> new Client(random.split()));
        long sequence = client.nextSequence++;
        long firstIncomplete = isAlone && random.nextInt(8) == 0 ? random.nextLong(sequence + 1) : 0;
        client.answered.removeIf(answered -> answered.name().sequence() < firstIncomplete);
        return RequestName.of(client.id, sequence, firstIncomplete);
    }

    /** The answer is durable, and every tablet that it concerns has taken its part. */
    void answered(ModelDriver driver, Answered request) {
        Client client = clients.get(driver);
        if (client != null) {
            client.answered.add(request);
            if (client.answered.size() > ANSWERED_MAX) {
                client.answered.removeFirst();
            }
        }
    }

    /** Something that can be asked again; null if there is nothing. */
    @Nullable
    Repetition repetition(SplittableRandom random, ModelDriver driver, long micros) {
        Client client = clients.get(driver);
        if (client == null) {
            return null;
        }
        client.answered.removeIf(
                answered -> answered.changes() != driver.changeCount() || micros - answered.micros() > MICROS_MAX);
        return client.answered.isEmpty()
                ? null
                : new Repetition(client.answered.get(random.nextInt(client.answered.size())));
    }

    /** A request that is made once more. */
    static final class Repetition {
        private final Answered first;

        private Repetition(Answered first) {
            this.first = first;
        }

        /** Hands it over; {@code batch} is empty. */
        CompletableFuture<CommitResult> commit(WriteBatch batch) {
            ModelDriver.fill(batch.rows(), first.operations());
            return batch.atomic(first.isAtomic()).request(first.name()).commitAsync();
        }

        void check(CommitResult again) {
            assertEquals(first.timestamp(), again.timestamp(), () -> "time of " + this);
            assertEquals(first.errors(), List.copyOf(again.errors()), () -> "errors of " + this);
        }

        @Override
        public String toString() {
            return first.name() + " " + first.operations();
        }
    }
}
