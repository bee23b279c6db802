package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** Goal: what clients may cause fits into the JVM. Method: JVMs of a few sizes, and random ones; what they are told. */
final class NetworkMemoryTest {
    private static final long MIB = 1 << 20;

    private final RpcConfig wanted = RpcConfig.of("any", "127.0.0.1", 0);

    private NetworkMemory within(long mib) {
        return NetworkMemory.within(wanted, mib * MIB);
    }

    @Test
    void aLargeJvmHasRoomForAll() {
        assertEquals(new NetworkMemory(256 * MIB, 128 * MIB), within(4096));
        assertFalse(within(4096).isLess(wanted));
    }

    @Test
    void aSmallOneGetsAsMuchAsFitsAndIsToldWhatWouldDo() {
        NetworkMemory small = within(512);
        assertTrue(small.isLess(wanted));
        String said = small.advice(wanted, 512 * MIB);
        assertEquals(
                "requests may have 111 MiB and answers 55 MiB at each port, not 256 and 128: the JVM may have 512 MiB"
                        + " of direct memory; give it 945 for all (-XX:MaxDirectMemorySize=945m, or a larger heap)",
                said);
        assertFalse(within(945).isLess(wanted), "as it was told");
        assertTrue(within(944).isLess(wanted));
    }

    @Test
    void aTinyOneServesOneAfterTheOther() {
        assertEquals(new NetworkMemory(4 * MIB, 4 * MIB), within(40));
        assertEquals(new NetworkMemory(4 * MIB, 4 * MIB), within(0));
    }

    @Test
    void lessIsWantedThanTheLeast() {
        RpcConfig little = wanted.withRequestBytesMax(MIB).withAnswerBytesMax(MIB);
        assertEquals(new NetworkMemory(MIB, MIB), NetworkMemory.within(little, 0));
    }

    @RepeatedTest(20)
    void theWorstOfBothPortsFits(@Seed SplittableRandom random) {
        long direct = (220 + random.nextLong(2000)) * MIB;
        NetworkMemory memory = NetworkMemory.within(wanted, direct);
        long worst =
                memory.requestBytesMax() + memory.answerBytesMax() + wanted.frameBytesMax() + wanted.firstBytesMax();
        assertTrue(2 * worst < direct, memory + " of " + direct);
    }
}
