package io.nyala.memory;

import static io.nyala.memory.NativeMemory.ADDRESSES;
import static io.nyala.memory.NativeMemory.ALL;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorShape.S_256_BIT;
import static jdk.incubator.vector.VectorShape.S_512_BIT;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Packed values by one permutation of bytes: each lane gets the bytes from a value's first one on, its window.
 *
 * <pre>{@code
 *   width 12, lanes of 32 bits:
 *
 *   bytes     | 0  | 1  | 2  | 3  | 4  | 5  | - -
 *   values    |  0  |  1  |  2  |  3  | - -
 *
 *   windows   | 0  1  2  3 | 1  2  3  4 | 3  4  5  6 | 4  5  6  7 | - -
 *   bits from        0            4            0            4
 * }</pre>
 *
 * <p>A window holds the value unless that begins late in its first byte and is nearly as wide as the lane: {@link
 * #holdInt}, {@link #holdLong}. Which bytes and bits they are is the same for each group of values that is a whole
 * number of bytes, and computed once a call.
 *
 * <p>Stateless and thread-safe.
 */
final class VectorWindows {
    private static final VectorShape PREFERRED = ByteVector.SPECIES_PREFERRED.vectorShape();

    /** Half a register where the bytes of a whole one cannot be permuted: the compiler has nothing instead. */
    private static final VectorShape SHAPE =
            PREFERRED == S_512_BIT && isX86() && !hasFlag("avx512vbmi") ? S_256_BIT : PREFERRED;

    /** Whether the processor does it at once. With 256 bits, x86 takes five operations, and words are quicker. */
    static final boolean QUICK = SHAPE == PREFERRED && (SHAPE != S_256_BIT || !isX86());

    static final VectorSpecies<Byte> BYTES = SHAPE.withLanes(byte.class);
    static final VectorSpecies<Integer> INTS = SHAPE.withLanes(int.class);
    static final VectorSpecies<Long> LONGS = SHAPE.withLanes(long.class);

    /** In each lane the numbers of its bytes, and what repeats a number in all of them. */
    private static final int INT_BYTES = 0x03020100;

    private static final int INT_REPEAT = 0x01010101;
    private static final long LONG_BYTES = 0x0706050403020100L;
    private static final long LONG_REPEAT = 0x0101010101010101L;

    private VectorWindows() {}

    private static boolean isX86() {
        return List.of("amd64", "x86_64").contains(System.getProperty("os.arch", ""));
    }

    /** What Linux says of the first processor; false elsewhere. */
    private static boolean hasFlag(String flag) {
        try (BufferedReader lines = Files.newBufferedReader(Path.of("/proc/cpuinfo"))) {
            return lines.lines()
                    .filter(line -> line.startsWith("flags"))
                    .findFirst()
                    .filter(line -> List.of(line.split(" ")).contains(flag))
                    .isPresent();
        } catch (IOException | UncheckedIOException _) {
            return false;
        }
    }

    /** Whether 32 bits from a value's first byte on hold it, wherever in its group it lies. */
    static boolean holdInt(int width) {
        return width + lateBit(width) <= Integer.SIZE;
    }

    /** The same for 64 bits. */
    static boolean holdLong(int width) {
        return width + lateBit(width) <= Long.SIZE;
    }

    /** Bit of a byte at which the value that begins latest in one does: what divides the width, divides it. */
    private static int lateBit(int width) {
        return Byte.SIZE - Integer.lowestOneBit(width | Byte.SIZE);
    }

    /** From the bit at which each lane's value begins to the bytes of the windows. */
    static VectorShuffle<Byte> bytesOfInts(IntVector bit) {
        return bit.lanewise(LSHR, 3)
                .mul(INT_REPEAT)
                .add(INT_BYTES)
                .reinterpretAsBytes()
                .toShuffle();
    }

    static VectorShuffle<Byte> bytesOfLongs(LongVector bit) {
        return bit.lanewise(LSHR, 3)
                .mul(LONG_REPEAT)
                .add(LONG_BYTES)
                .reinterpretAsBytes()
                .toShuffle();
    }

    /** The windows of the values that begin at an address. */
    static IntVector ints(long address, VectorShuffle<Byte> bytes) {
        return ByteVector.fromMemorySegment(BYTES, ALL, address & ADDRESSES, LITTLE_ENDIAN)
                .rearrange(bytes)
                .reinterpretAsInts();
    }

    static LongVector longs(long address, VectorShuffle<Byte> bytes) {
        return ByteVector.fromMemorySegment(BYTES, ALL, address & ADDRESSES, LITTLE_ENDIAN)
                .rearrange(bytes)
                .reinterpretAsLongs();
    }
}
