package io.nyala.simulation;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** How a read goes wrong of which the device says that it went well; what is on the disk stays as it was. */
public enum ReadDamage {
    /** One bit is another. */
    FLIPPED {
        @Override
        int apply(Inode inode, long position, MemorySegment memory, int bytes, SplittableRandom random) {
            int at = random.nextInt(bytes);
            int flipped = memory.get(ValueLayout.JAVA_BYTE, at) ^ 1 << random.nextInt(Byte.SIZE);
            memory.set(ValueLayout.JAVA_BYTE, at, (byte) flipped);
            return bytes;
        }
    },

    /** The bytes are those of another place of the file; of a file of one page, of none. */
    MISDIRECTED {
        @Override
        int apply(Inode inode, long position, MemorySegment memory, int bytes, SplittableRandom random) {
            long pageCount = (inode.bytes() + Inode.PAGE_BYTES - 1) / Inode.PAGE_BYTES;
            long shift = pageCount < 2 ? 0 : random.nextLong(1, pageCount);
            for (int done = 0; done < bytes; done += Inode.PAGE_BYTES) {
                int count = Math.min(Inode.PAGE_BYTES, bytes - done);
                long elsewhere = ((position + done) / Inode.PAGE_BYTES + shift) % pageCount * Inode.PAGE_BYTES;
                MemorySegment page = memory.asSlice(done, count);
                page.fill((byte) 0);
                if (shift > 0) {
                    inode.read(elsewhere, page, 0, count);
                }
            }
            return bytes;
        }
    },

    /** The file seems to end before it does. */
    SHORT {
        @Override
        int apply(Inode inode, long position, MemorySegment memory, int bytes, SplittableRandom random) {
            return random.nextInt(bytes);
        }
    };

    /**
     * Spoils what a read has brought.
     *
     * @param bytes that it has brought, more than 0
     * @return how many it shall say
     */
    abstract int apply(Inode inode, long position, MemorySegment memory, int bytes, SplittableRandom random);
}
