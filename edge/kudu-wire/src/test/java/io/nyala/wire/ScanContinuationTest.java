package io.nyala.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.testkit.Mutations;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a continuation of a scan is read by hand as the generated class reads it, or left to that. Method: random
 * requests, as they are and mutated, read by both.
 */
final class ScanContinuationTest {
    private static final int MUTATIONS = 500;

    private static ScanRequestPB.Builder continuation(SplittableRandom random) {
        ScanRequestPB.Builder request = ScanRequestPB.newBuilder()
                .setScannerId(ByteString.copyFromUtf8(HexFormat.of().toHexDigits(random.nextLong())));
        int bits = random.nextInt();
        if ((bits & 1) != 0) {
            request.setCallSeqId(random.nextInt() >>> random.nextInt(Integer.SIZE));
        }
        if ((bits & 2) != 0) {
            request.setBatchSizeBytes(random.nextInt() >>> random.nextInt(Integer.SIZE));
        }
        if ((bits & 4) != 0) {
            request.setCloseScanner(random.nextBoolean());
        }
        return request;
    }

    @RepeatedTest(20)
    void agreesWithTheGeneratedClass(@Seed SplittableRandom random) {
        byte[] request = continuation(random).build().toByteArray();
        assertTrue(
                agrees(request),
                () -> "left to the generated class: " + HexFormat.of().formatHex(request));
        int byHand = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byHand += agrees(Mutations.of(request, random)) ? 1 : 0;
        }
        assertTrue(byHand > MUTATIONS / 100 && byHand < MUTATIONS, byHand + " of " + MUTATIONS + " by hand");
    }

    /** Whether it was read by hand; what was read is what the generated class finds. */
    private static boolean agrees(byte[] bytes) {
        ScanContinuation byHand = ScanContinuation.read(MemorySegment.ofArray(bytes));
        if (byHand == null) {
            return false;
        }
        String hex = HexFormat.of().formatHex(bytes);
        try {
            ScanRequestPB generated = ScanRequestPB.parseFrom(bytes);
            assertTrue(generated.hasScannerId() && !generated.hasNewScanRequest(), hex);
            assertEquals(ScanContinuation.of(generated), byHand, hex);
            return true;
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError("read by hand, and is not right: " + hex, e);
        }
    }

    @Test
    void leavesWhatOpensAScanToTheGeneratedClass() {
        ScanRequestPB.Builder request = ScanRequestPB.newBuilder()
                .setNewScanRequest(NewScanRequestPB.newBuilder().setTabletId(ByteString.copyFromUtf8("a")));
        assertFalse(agrees(request.build().toByteArray()));
        assertFalse(
                agrees(request.setScannerId(ByteString.copyFromUtf8("b"))
                        .build()
                        .toByteArray()),
                "both");
        assertFalse(agrees(new byte[0]), "neither");
    }

    @Test
    void whatNobodySaidIsNotThere() {
        byte[] bytes = Vectors.bytes("0a01" + "61");
        assertEquals(
                new ScanContinuation("a", 0, ScanContinuation.NO_BATCH_BYTES, false),
                ScanContinuation.read(MemorySegment.ofArray(bytes)));
        // Twice: the last counts. Field 4 as four bytes is unknown, and skipped.
        assertEquals(
                new ScanContinuation("b", 2, 0xffff_ffffL, true),
                ScanContinuation.read(MemorySegment.ofArray(Vectors.bytes(
                        "0a0161" + "0a0162" + "1801" + "1802" + "20ffffffff0f" + "2502000000" + "2802"))));
        assertNull(ScanContinuation.read(MemorySegment.ofArray(Vectors.bytes("0a01ff"))), "no id of ours");
    }
}
