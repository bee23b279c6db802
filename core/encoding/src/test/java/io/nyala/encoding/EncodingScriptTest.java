package io.nyala.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.hexdump.HexDump;
import io.nyala.testkit.Script;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/**
 * Goal: the bytes of each encoding are those that its Javadoc draws, and stay so.
 * Method: golden script of small vectors, and the examples of the Javadoc.
 */
final class EncodingScriptTest {
    @Test
    void writesTheBytesOfTheScript() {
        Script.check("encoding/vectors", EncodingScriptTest::run);
    }

    /**
     * {@code fixed CELL_BYTES HINT NUMBER...} or {@code strings HINT WORD...}, with {@code _} for the empty string
     * and {@code *} to repeat.
     */
    private static String run(String command) {
        String[] words = command.split(" ", -1);
        try (var vectors = new TestVectors()) {
            EncodedVector vector = words[0].equals("fixed") ? fixed(vectors, words) : strings(vectors, words);
            MemorySegment bytes = vector.source.asSlice(0, vector.bytes + VectorFormat.READ_PADDING_BYTES);
            vector.wrap(bytes, 0, vector.bytes);
            return HexDump.text(bytes.asSlice(0, vector.bytes), notes -> Annotation.annotate(vector, notes));
        }
    }

    private static EncodedVector fixed(TestVectors vectors, String[] words) {
        int cellBytes = Integer.parseInt(words[1]);
        String[] numbers = repeated(words, 3);
        MemorySegment values = vectors.room((long) numbers.length * cellBytes + VectorFormat.READ_PADDING_BYTES);
        for (int i = 0; i < numbers.length; i++) {
            long value = bits(numbers[i], cellBytes);
            Cells.put(values, (long) i * cellBytes, Math.min(8, cellBytes), value);
            if (cellBytes == 16) {
                values.set(Cells.LONG, i * 16L + 8, value >> 63);
            }
        }
        return atStart(vectors, vectors.encodeFixed(EncodingHint.valueOf(words[2]), values, cellBytes, numbers.length));
    }

    /** An integer, or with a point the bits of a floating point number. */
    private static long bits(String number, int cellBytes) {
        if (!number.contains(".")) {
            return Long.parseLong(number);
        }
        return cellBytes == Float.BYTES
                ? Float.floatToRawIntBits(Float.parseFloat(number))
                : Double.doubleToRawLongBits(Double.parseDouble(number));
    }

    private static EncodedVector strings(TestVectors vectors, String[] words) {
        String[] strings = repeated(words, 2);
        byte[][] bytes = Arrays.stream(strings)
                .map(string -> string.equals("_") ? "" : string)
                .map(string -> string.getBytes(StandardCharsets.UTF_8))
                .toArray(byte[][]::new);
        FlatBinary source = vectors.binary(bytes, 0);
        return atStart(vectors, vectors.encodeBinary(EncodingHint.valueOf(words[1]), source, bytes.length));
    }

    /** The words from {@code first} on; {@code 7*3} is three times 7. */
    private static String[] repeated(String[] words, int first) {
        return Arrays.stream(words)
                .skip(first)
                .flatMap(word -> {
                    int star = word.indexOf('*');
                    int times = star < 0 ? 1 : Integer.parseInt(word.substring(star + 1));
                    return Collections.nCopies(times, star < 0 ? word : word.substring(0, star)).stream();
                })
                .toArray(String[]::new);
    }

    private static EncodedVector atStart(TestVectors vectors, EncodedVector vector) {
        MemorySegment copy = vectors.room(vector.bytes + VectorFormat.READ_PADDING_BYTES);
        MemorySegment.copy(vector.source, vector.offset, copy, 0, vector.bytes);
        return vector.wrap(copy, 0, vector.bytes);
    }

    @Test
    void theExamplesOfTheJavadocAreTrue() {
        assertExample("fixed 4 AUTO 7 7 7", "01 04 03 00 | 07 00 00 00");
        assertExample("fixed 2 AUTO 5 5", "01 02 02 00 | 05 00");
        assertExample("fixed 1 PLAIN 1 0 7", "02 01 03 00 | 01 00 07");
        assertExample(
                "fixed 4 BIT_PACKED 1000*8 1003 1001",
                "04 04 0a 00 | 02 | 00 00 00 | e8 03 00 00 00 00 00 00 | 00 00 07");
        assertExample(
                "fixed 4 AUTO 5 9 13 17 21 25 29 33 37 41 45 49 53 57 61 65",
                "06 04 10 00 | 00 00 | 00 00 | 05 00 00 00 00 00 00 00 | 04 00 00 00 00 00 00 00");
        assertExample("fixed 4 DICTIONARY 9 5 9 9", "05 04 04 00 | 02 00 | 01 | 00 | 02 | 09 00 00 00 | 05 00 00 00");
        assertExample(
                "fixed 8 DICTIONARY 9 5 9 9", "05 08 04 00 | 02 00 | 01 | 03 | 02 | 05 00 00 00 00 00 00 00 | 04");
        assertExample(
                "fixed 8 RUN_LENGTH 9*3 4",
                "03 08 04 00 | 02 00 00 00 | 03 00 04 00 | 09 00 00 00 00 00 00 00 | 04 00 00 00 00 00 00 00");
        assertExample(
                "strings PREFIX abcdefghijkl abcdefghijklm abcdefgx",
                "07 00 03 00 21 00 00 00 | 04 | 03 | 00 00 | c0 07 | 0e 00 00 00 | 01 00 00 00 | 04 | 00 00 00 | bb 0b"
                        + " | 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 78");
        assertExample(
                "strings PLAIN ab cde",
                "02 00 02 00 05 00 00 00 | 05 00 00 00 | 02 00 00 00 | 01 | 00 00 00 | 02 | 61 62 63 64 65");
    }

    private static void assertExample(String command, String hex) {
        String[] words = command.split(" ", -1);
        try (var vectors = new TestVectors()) {
            EncodedVector vector = words[0].equals("fixed") ? fixed(vectors, words) : strings(vectors, words);
            MemorySegment expected = TestVectors.hex(vectors, hex);
            long count = expected.byteSize() - VectorFormat.READ_PADDING_BYTES;
            byte[] actual = vector.source.asSlice(0, vector.bytes).toArray(Cells.BYTE);
            assertEquals(
                    HexFormat.of().formatHex(expected.asSlice(0, count).toArray(Cells.BYTE)),
                    HexFormat.of().formatHex(actual),
                    command);
        }
    }
}
