package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;

/** A real Kudu and our server, to both of which a test says the same by hand. One thread. */
final class RawBoth implements AutoCloseable {
    private final RawCluster kudu;
    private final RawCluster ours;

    private RawBoth(RawCluster kudu, RawCluster ours) {
        this.kudu = kudu;
        this.ours = ours;
    }

    static RawBoth of(Both both) throws IOException {
        return new RawBoth(RawCluster.of(both.kudu()), RawCluster.of(both.ours()));
    }

    /** What a cluster answers, as text. */
    @FunctionalInterface
    interface Call {
        String answer(RawCluster cluster) throws IOException;
    }

    RawCluster kudu() {
        return kudu;
    }

    RawCluster ours() {
        return ours;
    }

    /** Both must answer the same. */
    void same(Call call) throws IOException {
        assertEquals(call.answer(kudu), call.answer(ours));
    }

    /** Both must answer the same; which of several calls it is, is said. */
    void same(String what, Call call) throws IOException {
        assertEquals(call.answer(kudu), call.answer(ours), what);
    }

    /** They must answer that, and that. */
    void differ(String saidByKudu, String saidHere, Call call) throws IOException {
        assertEquals(saidByKudu, call.answer(kudu), "what a real Kudu does");
        assertEquals(saidHere, call.answer(ours), "what our server does");
    }

    @Override
    public void close() throws IOException {
        try (kudu;
                ours) {
            // Both, whatever fails.
        }
    }
}
