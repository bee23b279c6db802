package io.nyala.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.nyala.protocol.Common.ExternalConsistencyMode;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: the parts of a write request are found where they are, and nothing but a request is taken for one. Method:
 * requests of the generated class, alone and amid other bytes; damage.
 */
final class WriteRequestReaderTest {
    private static final String ID = "1cdc35ae0f684f0ebd8025fe288e0889";

    private final WriteRequestReader reader = new WriteRequestReader();

    @RepeatedTest(50)
    void findsWhatTheGeneratedClassWrote(@Seed SplittableRandom random) {
        WriteRequestPB.Builder request = WriteRequestPB.newBuilder().setTabletId(ByteString.copyFromUtf8(ID));
        byte[] rows = new byte[random.nextInt(300)];
        byte[] indirect = new byte[random.nextInt(300)];
        random.nextBytes(rows);
        random.nextBytes(indirect);
        request.getRowOperationsBuilder()
                .setRows(ByteString.copyFrom(rows))
                .setIndirectData(ByteString.copyFrom(indirect));
        request.setSchema(Vectors.request());
        long time = random.nextLong();
        request.setPropagatedTimestamp(time);
        boolean isWaiting = random.nextBoolean();
        boolean isPart = random.nextBoolean();
        request.setExternalConsistencyMode(
                isWaiting ? ExternalConsistencyMode.COMMIT_WAIT : ExternalConsistencyMode.CLIENT_PROPAGATED);
        request.getAuthzTokenBuilder().setSignature(ByteString.copyFromUtf8("unused"));
        if (isPart) {
            request.setTxnId(random.nextLong());
        }
        byte[] bytes = request.build().toByteArray();
        int before = random.nextInt(100);
        MemorySegment memory = MemorySegment.ofArray(new byte[before + bytes.length + random.nextInt(100)]);
        MemorySegment.copy(bytes, 0, memory, JAVA_BYTE, before, bytes.length);
        reader.read(memory, before, bytes.length);
        assertEquals(ID, reader.tabletId());
        assertEquals(time, reader.propagatedTimestamp());
        assertEquals(isWaiting, reader.isCommitWait());
        assertEquals(isPart, reader.hasTransaction());
        assertEquals(rows.length + indirect.length, reader.dataBytes());
        assertEquals(ByteString.copyFrom(rows), part(memory, reader.rowsOffset(), reader.rowsBytes()));
        assertEquals(ByteString.copyFrom(indirect), part(memory, reader.indirectOffset(), reader.indirectBytes()));
        assertEquals(Vectors.request().toByteString(), part(memory, reader.schemaOffset(), reader.schemaBytes()));
    }

    private static ByteString part(MemorySegment memory, long offset, long bytes) {
        return ByteString.copyFrom(memory.asSlice(offset, bytes).toArray(JAVA_BYTE));
    }

    @Test
    void forgetsTheRequestBefore() {
        WriteRequestPB.Builder request = WriteRequestPB.newBuilder()
                .setTabletId(ByteString.copyFromUtf8(ID))
                .setTxnId(1)
                .setPropagatedTimestamp(2)
                .setExternalConsistencyMode(ExternalConsistencyMode.COMMIT_WAIT)
                .setSchema(Vectors.request());
        request.getRowOperationsBuilder().setRows(ByteString.copyFromUtf8("abc"));
        read(request.build());
        read(WriteRequestPB.newBuilder()
                .setTabletId(ByteString.copyFromUtf8("x"))
                .build());
        assertEquals("x", reader.tabletId());
        assertEquals(0, reader.propagatedTimestamp() + reader.dataBytes() + reader.schemaBytes());
        assertTrue(!reader.isCommitWait() && !reader.hasTransaction());
    }

    private void read(WriteRequestPB request) {
        byte[] bytes = request.toByteArray();
        reader.read(MemorySegment.ofArray(bytes), 0, bytes.length);
    }

    @Test
    void refusesWhatIsNoRequest() {
        refused("invalid parameter for call kudu.tserver.TabletServerService.Write: missing fields: tablet_id", "");
        refused("malformed WriteRequestPB: it ends within a field, at byte 2 of 3", "0a0261");
        refused("malformed WriteRequestPB: it ends within a field, at byte 1 of 1", "0a");
        refused("malformed WriteRequestPB: field 1 of the unknown kind 3, at byte 1 of 1", "0b");
        refused("malformed WriteRequestPB: a field without number, at byte 1 of 1", "02");
        refused("malformed WriteRequestPB: a field without number, at byte 6 of 6", "8a8080808001");
        refused("malformed WriteRequestPB: a number of more than ten bytes, at byte 11 of 12", "38" + "ff".repeat(11));
        refused("malformed WriteRequestPB: it ends within a field, at byte 10 of 10", "0affffffffffffffff7f");
        refused("malformed RowOperationsPB: it ends within a field, at byte 2 of 2", "0a01611a021205");
        // A field behind the end of the message that it is in.
        refused("malformed RowOperationsPB: it ends within a field, at byte 2 of 3", "0a01611a03120261" + "61");
    }

    private void refused(String message, String hex) {
        byte[] bytes = Vectors.bytes(hex);
        WireException e =
                assertThrows(WireException.class, () -> reader.read(MemorySegment.ofArray(bytes), 0, bytes.length));
        assertEquals(message, e.getMessage());
        assertTrue(e.isInvalidRequest());
    }

    @Test
    void skipsFieldsOfEveryKind() {
        // 20: varint, 21: fixed64, 22: bytes, 23: fixed32; and a tablet_id that is a number is none.
        byte[] bytes =
                Vectors.bytes("0a0161" + "a00105" + "a9010102030405060708" + "b2010161" + "bd0101020304" + "0807");
        reader.read(MemorySegment.ofArray(bytes), 0, bytes.length);
        assertEquals("a", reader.tabletId());
    }
}
