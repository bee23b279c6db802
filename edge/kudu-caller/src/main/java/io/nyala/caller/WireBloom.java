package io.nyala.caller;

import com.google.protobuf.ByteString;
import io.nyala.protocol.BlockBloomFilter.BlockBloomFilterPB;
import io.nyala.protocol.Hash.HashAlgorithm;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A Bloom filter as clients make it, written down once more from Kudu's description of it. One thread. */
public final class WireBloom {
    private static final int[] SALTS = {
        0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31
    };

    /** What an empty cell is taken for. */
    private static final byte[] EMPTY = {(byte) 0xee, 0x7e, (byte) 0xca, 0x7d};

    private static final int BLOCK_BYTES = 32;

    private final int logBytes;
    private final int seed;
    private final ByteBuffer blocks;

    public WireBloom(int logBytes, int seed) {
        this.logBytes = logBytes;
        this.seed = seed;
        this.blocks = ByteBuffer.allocate(1 << logBytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    public void add(byte[] cell) {
        int hash = hash(cell);
        for (int i = 0; i < SALTS.length; i++) {
            int at = block(hash) + 4 * i;
            blocks.putInt(at, blocks.getInt(at) | 1 << ((SALTS[i] * hash) >>> 27));
        }
    }

    public boolean mayHave(byte[] cell) {
        int hash = hash(cell);
        boolean has = true;
        for (int i = 0; i < SALTS.length; i++) {
            has &= (blocks.getInt(block(hash) + 4 * i) >> ((SALTS[i] * hash) >>> 27) & 1) != 0;
        }
        return has;
    }

    private int block(int hash) {
        long mixed = Integer.toUnsignedLong(hash) * 0x7850f11ec6d14889L + 0x6773610597ca4c63L;
        return BLOCK_BYTES * ((int) (mixed >>> 32) & blocks.capacity() / BLOCK_BYTES - 1);
    }

    private int hash(byte[] bytes) {
        byte[] cell = bytes.length == 0 ? EMPTY : bytes;
        ByteBuffer in = ByteBuffer.allocate((cell.length + 7) / 8 * 8).order(ByteOrder.LITTLE_ENDIAN);
        in.put(cell).rewind();
        long multiplier = 0x880355f21e6d1965L;
        long hash = Integer.toUnsignedLong(seed) ^ cell.length * multiplier;
        while (in.hasRemaining()) {
            hash = (hash ^ mix(in.getLong())) * multiplier;
        }
        hash = mix(hash);
        return (int) (hash - (hash >>> 32));
    }

    private static long mix(long value) {
        long mixed = (value ^ value >>> 23) * 0x2127599bf4325c37L;
        return mixed ^ mixed >>> 47;
    }

    public BlockBloomFilterPB.Builder toProto() {
        return BlockBloomFilterPB.newBuilder()
                .setLogSpaceBytes(logBytes)
                .setBloomData(ByteString.copyFrom(blocks.array()))
                .setAlwaysFalse(false)
                .setHashAlgorithm(HashAlgorithm.FAST_HASH)
                .setHashSeed(seed);
    }
}
