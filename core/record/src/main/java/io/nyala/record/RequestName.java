package io.nyala.record;

import io.nyala.memory.Check;
import java.util.UUID;

/**
 * Who asked for a batch, and for the how-manieth time: a retry under the same name gets the answer of the first, which
 * takes effect once.
 *
 * <p>A client draws 128 random bits once, and counts its requests; a number is never used for other rows. A request may
 * be repeated until the client has heard its answer, and says so by the {@code firstIncomplete} of later ones.
 *
 * @param clientHigh upper half of the client's id, which is not 0 in both halves
 * @param clientLow lower half
 * @param sequence number of the request among the client's, from 0
 * @param firstIncomplete all requests of the client below it have been answered and will not be repeated
 */
public record RequestName(long clientHigh, long clientLow, long sequence, long firstIncomplete) {
    public RequestName {
        Check.that((clientHigh | clientLow) != 0, "a client's id is not 0; draw 128 random bits, as UUID.randomUUID()");
        Check.notNegative("sequence", sequence);
        if (firstIncomplete < 0 || firstIncomplete > sequence) {
            throw new IllegalArgumentException("firstIncomplete must be between 0 and the sequence of the request, "
                    + sequence + ", was " + firstIncomplete + "; a request is incomplete itself");
        }
    }

    /** The name of a request of the client with this id. */
    public static RequestName of(UUID client, long sequence, long firstIncomplete) {
        return new RequestName(
                client.getMostSignificantBits(), client.getLeastSignificantBits(), sequence, firstIncomplete);
    }

    public UUID client() {
        return new UUID(clientHigh, clientLow);
    }

    @Override
    public String toString() {
        return "request " + sequence + " of client " + client();
    }
}
