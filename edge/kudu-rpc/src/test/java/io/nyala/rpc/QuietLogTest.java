package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.protocol.rpc.RpcHeader.NegotiatePB;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Goal: clients cannot fill a log, nor write lines of their own into it, and what is left out is counted.
 * Method: many lines at times of our own, and one from a client that would have two.
 */
final class QuietLogTest {
    @Test
    void writesTheFirstLinesOfASecondAndCountsTheOthers() {
        List<String> lines = new ArrayList<>();
        long[] nanos = {-1};
        QuietLog log = new QuietLog(new LineLogger(lines), () -> nanos[0], 3);
        for (int i = 0; i < 10; i++) {
            int number = i;
            nanos[0] = i;
            log.log(Level.INFO, () -> "line " + number);
        }
        nanos[0] = TimeUnit.SECONDS.toNanos(1) - 1;
        log.log(Level.INFO, () -> "later");
        nanos[0]++;
        log.log(Level.INFO, () -> "last");
        log.log(Level.TRACE, () -> "not asked for");
        assertEquals(List.of("line 0", "line 1", "line 2", "later (7 similar lines were left out)", "last"), lines);
    }

    @Test
    void clientsWriteNoLinesOfTheirOwn() {
        EmbeddedServer server = EmbeddedServer.ofDefaults();
        EmbeddedServer.Client client = server.connect();
        client.send(Bytes.START);
        client.send(Bytes.negotiation(Bytes.hello().build()));
        client.send(Bytes.negotiation(Bytes.plain("\0joe\0")
                .clearSaslMechanisms()
                .addSaslMechanisms(NegotiatePB.SaslMechanism.newBuilder()
                        .setMechanism("X\r\n12:00:00 stopped\u001b[2J\u2028\u202e\u00e9"))
                .build()));
        client.received();
        client.close();
        assertEquals(
                "refused 127.0.0.1:40000: Not authorized: no mechanism available: this server has PLAIN, not "
                        + "X\\u000d\\u000a12:00:00 stopped\\u001b[2J\\u2028\\u202e\u00e9",
                server.lines.getLast());
    }
}
