package io.nyala.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.nyala.protocol.tserver.Tserver.SplitKeyRangeRequestPB;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.Limits;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import io.nyala.testkit.Seed;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: bounds that clients get are whole keys which divide rows as the bytes did that they are made of. Method:
 * beginnings of random keys against all keys of a table; what is written down here by hand.
 */
final class WireKeysTest {
    private static byte[] drawKey(SplittableRandom random, Schema schema) {
        var key = new ByteArrayOutputStream();
        for (int i = 0; i < schema.keyColumnCount(); i++) {
            boolean isLast = i == schema.keyColumnCount() - 1;
            RandomWritesTest.appendKey(key, schema.column(i), RandomData.cell(random, schema.column(i)), isLast);
        }
        return key.toByteArray();
    }

    @RepeatedTest(200)
    void aWholeKeyDividesAsItsBeginningDoes(@Seed SplittableRandom random) {
        Schema schema = RandomData.schema(random);
        KeyCodec codec = new KeyCodec(new RowLayout(schema));
        byte[] beginning = drawKey(random, schema);
        beginning = Arrays.copyOf(beginning, random.nextInt(beginning.length + 1));
        byte[] whole = WireKeys.wholeKey(schema, beginning).toByteArray();
        codec.check(MemorySegment.ofArray(whole), 0, whole.length);
        assertTrue(Arrays.compareUnsigned(beginning, whole) <= 0);
        assertEquals(ByteString.copyFrom(whole), WireKeys.wholeKey(schema, whole), "of a whole key it is that");
        for (int i = 0; i < 100; i++) {
            byte[] key = drawKey(random, schema);
            assertEquals(
                    Arrays.compareUnsigned(key, beginning) >= 0,
                    Arrays.compareUnsigned(key, whole) >= 0,
                    () -> HexFormat.of().formatHex(key));
        }
    }

    @Test
    void fillsUpWithTheLeastThereIs() {
        Schema schema = Vectors.schema(); // (INT32, STRING, INT64)
        whole("7fff", "7fff0000" + "0000" + "0000000000000000", schema);
        whole("80000001" + "61", "80000001" + "610000" + "0000000000000000", schema);
        whole("80000001" + "6100", "80000001" + "610000" + "0000000000000000", schema);
        whole("80000001" + "61000162", "80000001" + "610001620000" + "0000000000000000", schema);
        whole("80000001" + "610000" + "80", "80000001" + "610000" + "8000000000000000", schema);
        whole("", "00000000" + "0000" + "0000000000000000", schema);
    }

    private static void whole(String beginning, String expected, Schema schema) {
        byte[] whole = WireKeys.wholeKey(schema, Vectors.bytes(beginning)).toByteArray();
        assertEquals(expected, HexFormat.of().formatHex(whole));
    }

    @Test
    void refusesToDivideWhatIsNoRange() {
        SplitKeyRangeRequestPB.Builder request = SplitKeyRangeRequestPB.newBuilder()
                .setTabletId(ByteString.EMPTY)
                .setStartPrimaryKey(ByteString.fromHex("80"))
                .setStopPrimaryKey(ByteString.fromHex("80"));
        var exception = assertThrows(WireException.class, () -> WireKeys.toKeyRange(request.build()));
        assertEquals("Invalid primary key range", exception.getMessage());
        request.setStopPrimaryKey(ByteString.copyFrom(new byte[2 * Limits.KEY_BYTES_MAX + 1]));
        assertThrows(WireException.class, () -> WireKeys.toKeyRange(request.build()));
        request.clearStopPrimaryKey();
        assertEquals(null, WireKeys.toKeyRange(request.build()).upper());
    }
}
