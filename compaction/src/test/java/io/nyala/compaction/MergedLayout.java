package io.nyala.compaction;

import java.nio.ByteBuffer;
import java.util.List;

/** How rowsets lie that come out of a merge: of 32 MiB each, one behind the other, over the keys of the inputs. */
final class MergedLayout {
    static final long ROW_SET_BYTES = 32L << 20;

    private MergedLayout() {}

    /** Takes one of them, with keys of {@link #key} from one to another. */
    interface Target {
        void add(int from, int to, long rowCount, long bytes);
    }

    /** A key that orders as the number does, which is not negative. */
    static byte[] key(int value) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(value).array();
    }

    static void of(List<RowSetShape> inputs, long rowSetBytes, Target target) {
        int from = Integer.MAX_VALUE;
        int to = 0;
        long rows = 0;
        long bytes = 0;
        for (RowSetShape input : inputs) {
            from = Math.min(from, ByteBuffer.wrap(input.minKey()).getInt());
            to = Math.max(to, ByteBuffer.wrap(input.maxKey()).getInt());
            rows += input.rowCount();
            bytes += input.bytes();
        }
        int count = (int) Math.min(to - from + 1L, Math.ceilDiv(bytes, rowSetBytes));
        for (int i = 0; i < count; i++) {
            int begin = from + (int) ((to - from + 1L) * i / count);
            int end = from + (int) ((to - from + 1L) * (i + 1) / count) - 1;
            target.add(begin, Math.max(begin, end), rows / count, Math.max(1, bytes / count));
        }
    }
}
