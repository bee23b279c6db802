package io.nyala.simulation;

import io.nyala.io.Disk;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * The contents of a file: what its users see, what would survive, and the writes between the two. Pages are replaced,
 * never changed, so that both states, and copies of the disk, can share them. Guarded by the disk's monitor.
 */
final class Inode implements Node {
    static final int PAGE_BYTES = Disk.ALIGNMENT_BYTES;

    private static final byte[] ZEROS = new byte[PAGE_BYTES];

    private final Map<Long, byte[]> live = new HashMap<>();
    private final Map<Long, byte[]> durable = new HashMap<>();
    private final List<Pending> pending = new ArrayList<>();
    private long liveBytes;
    private long durableBytes;
    private long sequence;

    long bytes() {
        return liveBytes;
    }

    int pageCount() {
        return live.size();
    }

    /** A number that grows with each write, by which a sync knows the writes that came before it. */
    long sequence() {
        return sequence;
    }

    /** Pages that a write would have to allocate. */
    int newPageCount(long position, long bytes) {
        int count = 0;
        for (long page = position / PAGE_BYTES; page < (position + bytes) / PAGE_BYTES; page++) {
            count += live.containsKey(page) ? 0 : 1;
        }
        return count;
    }

    /** Copies into memory; returns how many bytes there were. */
    int read(long position, MemorySegment memory, long offset, int bytes) {
        int available = Math.clamp(liveBytes - position, 0, bytes);
        for (int done = 0; done < available; done += PAGE_BYTES) {
            byte[] page = live.getOrDefault((position + done) / PAGE_BYTES, ZEROS);
            int count = Math.min(PAGE_BYTES, available - done);
            MemorySegment.copy(page, 0, memory, ValueLayout.JAVA_BYTE, offset + done, count);
        }
        return available;
    }

    /** Makes bytes visible, not durable. */
    void write(long position, MemorySegment memory, long offset, int bytes) {
        Write write = Write.of(position, memory, offset, bytes, ++sequence);
        change(write);
        liveBytes = Math.max(liveBytes, write.endPosition());
    }

    /** Adds a write that never completed: not seen, but a power cut may find it on the disk. */
    void writeUnseen(long position, MemorySegment memory, long offset, int bytes) {
        pending.add(Write.of(position, memory, offset, bytes, ++sequence));
    }

    /** Makes bytes visible and durable; older writes to the same pages are thereby superseded. */
    void writeDurable(long position, MemorySegment memory, long offset, int bytes) {
        Write write = Write.of(position, memory, offset, bytes, ++sequence);
        write.apply(live);
        liveBytes = Math.max(liveBytes, write.endPosition());
        // The file system keeps its own order: a truncation that came before cannot happen after a durable write.
        for (Pending change : pending) {
            if (change instanceof Truncate truncate) {
                truncateDurable(truncate.bytes());
            }
        }
        pending.removeIf(change -> change instanceof Truncate);
        write.apply(durable);
        durableBytes = Math.max(durableBytes, write.endPosition());
        forget(position / PAGE_BYTES, write.endPosition() / PAGE_BYTES);
    }

    void truncate(long bytes) {
        cut(live, bytes);
        liveBytes = bytes;
        forget((bytes + PAGE_BYTES - 1) / PAGE_BYTES, Long.MAX_VALUE);
        pending.add(new Truncate(bytes, ++sequence));
    }

    /** Extends it with zeros that take room. */
    void allocate(long bytes) {
        if (bytes > liveBytes) {
            NavigableMap<Long, byte[]> zeros = new TreeMap<>();
            for (long page = alignUp(liveBytes) / PAGE_BYTES; page < bytes / PAGE_BYTES; page++) {
                zeros.put(page, ZEROS);
            }
            if (zeros.isEmpty()) {
                truncate(bytes); // Within the last page.
            } else {
                change(new Write(zeros, ++sequence, false));
                liveBytes = bytes;
            }
        }
    }

    /** Takes pages out of it, which are zeros from then on. */
    void punchHole(long position, long bytes) {
        NavigableMap<Long, byte[]> zeros = new TreeMap<>();
        long end = Math.min(position + bytes, alignUp(liveBytes));
        for (long page = position / PAGE_BYTES; page < end / PAGE_BYTES; page++) {
            zeros.put(page, ZEROS);
        }
        change(new Write(zeros, ++sequence, true));
    }

    private void change(Write write) {
        write.apply(live);
        pending.add(write);
    }

    static long alignUp(long position) {
        return (position + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    }

    /** Makes durable what was written up to a {@link #sequence}. */
    void sync(long sequenceMax) {
        for (Pending change : pending) {
            if (change.sequence() <= sequenceMax) {
                switch (change) {
                    case Write write -> {
                        write.apply(durable);
                        durableBytes = Math.max(durableBytes, write.endPosition());
                    }
                    case Truncate truncate -> truncateDurable(truncate.bytes());
                }
            }
        }
        pending.removeIf(change -> change.sequence() <= sequenceMax);
    }

    /**
     * After a failed sync the kernel may take pages for clean that never reached the disk: later syncs do not write
     * them.
     */
    void dropPending(Fate fate) {
        pending.removeIf(_ -> fate.coin());
    }

    /** What is there after a power cut: unsynced writes vanish, survive, or are torn, each for itself. */
    void cutPower(Fate fate) {
        for (Pending change : pending) {
            switch (change) {
                case Write write -> {
                    boolean isKept = fate.survives();
                    if (isKept) {
                        write.apply(durable);
                    } else if (fate.isTorn()) {
                        write.tear(durable, fate);
                    }
                    // The new length is in another place than the data, and may survive without it or not with it.
                    if (isKept || fate.survives()) {
                        durableBytes = Math.max(durableBytes, write.endPosition());
                    }
                }
                case Truncate truncate -> {
                    if (fate.survives()) {
                        truncateDurable(truncate.bytes());
                    }
                }
            }
        }
        pending.clear();
        cut(durable, durableBytes);
        live.clear();
        live.putAll(durable);
        liveBytes = durableBytes;
    }

    void flipBit(long position, int bit) {
        if (position >= liveBytes) {
            throw new IllegalArgumentException("there is no byte " + position + " in a file of " + liveBytes);
        }
        flipBit(live, position, bit);
        flipBit(durable, position, bit);
        pending.forEach(change -> {
            if (change instanceof Write write) {
                write.flipBit(position, bit);
            }
        });
    }

    byte[] contents() {
        byte[] contents = new byte[Math.toIntExact(liveBytes)];
        live.forEach((page, bytes) -> {
            int position = Math.toIntExact(page * PAGE_BYTES);
            if (position < contents.length) {
                System.arraycopy(bytes, 0, contents, position, Math.min(PAGE_BYTES, contents.length - position));
            }
        });
        return contents;
    }

    /** Replaces everything, durably. */
    void setContents(byte[] contents) {
        live.clear();
        durable.clear();
        pending.clear();
        for (int position = 0; position < contents.length; position += PAGE_BYTES) {
            live.put((long) (position / PAGE_BYTES), Arrays.copyOfRange(contents, position, position + PAGE_BYTES));
        }
        durable.putAll(live);
        liveBytes = contents.length;
        durableBytes = contents.length;
    }

    Inode copy() {
        Inode copy = new Inode();
        copy.live.putAll(live);
        copy.durable.putAll(durable);
        pending.forEach(change -> copy.pending.add(
                switch (change) {
                    case Write write -> write.copy();
                    case Truncate truncate -> truncate;
                }));
        copy.liveBytes = liveBytes;
        copy.durableBytes = durableBytes;
        copy.sequence = sequence;
        return copy;
    }

    /** Unsynced pages that no longer matter. */
    private void forget(long fromPage, long toPage) {
        for (Pending change : pending) {
            if (change instanceof Write write) {
                write.forget(fromPage, toPage);
            }
        }
    }

    private void truncateDurable(long bytes) {
        cut(durable, bytes);
        durableBytes = bytes;
    }

    /** Removes what is beyond the end, also within the last page, so that growing again shows zeros. */
    private static void cut(Map<Long, byte[]> pages, long bytes) {
        pages.keySet().removeIf(page -> page * PAGE_BYTES >= bytes);
        int kept = (int) (bytes % PAGE_BYTES);
        if (kept != 0) {
            pages.computeIfPresent(
                    bytes / PAGE_BYTES, (_, page) -> Arrays.copyOf(Arrays.copyOf(page, kept), PAGE_BYTES));
        }
    }

    private static void flipBit(Map<Long, byte[]> pages, long position, int bit) {
        pages.computeIfPresent(position / PAGE_BYTES, (_, page) -> flipped(page, position, bit));
    }

    private static byte[] flipped(byte[] page, long position, int bit) {
        byte[] copy = page.clone();
        copy[(int) (position % PAGE_BYTES)] ^= (byte) (1 << bit);
        return copy;
    }

    private sealed interface Pending {
        long sequence();
    }

    private record Truncate(long bytes, long sequence) implements Pending {}

    /** Pages that were written or taken out, but not synced, without those that a durable write has superseded. */
    private static final class Write implements Pending {
        private final NavigableMap<Long, byte[]> pages;
        private final long sequence;
        private final boolean isHole;

        private Write(NavigableMap<Long, byte[]> pages, long sequence, boolean isHole) {
            this.pages = pages;
            this.sequence = sequence;
            this.isHole = isHole;
        }

        static Write of(long position, MemorySegment memory, long offset, int bytes, long sequence) {
            NavigableMap<Long, byte[]> pages = new TreeMap<>();
            for (int done = 0; done < bytes; done += PAGE_BYTES) {
                byte[] page = new byte[PAGE_BYTES];
                MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, offset + done, page, 0, PAGE_BYTES);
                // Zero-filled segments then cost nothing.
                pages.put((position + done) / PAGE_BYTES, Arrays.equals(page, ZEROS) ? ZEROS : page);
            }
            return new Write(pages, sequence, false);
        }

        @Override
        public long sequence() {
            return sequence;
        }

        /** Where the last page ends that still matters; 0 if none does, and for a hole, which makes nothing longer. */
        long endPosition() {
            return pages.isEmpty() || isHole ? 0 : (pages.lastKey() + 1) * PAGE_BYTES;
        }

        void apply(Map<Long, byte[]> target) {
            if (isHole) {
                target.keySet().removeAll(pages.keySet());
            } else {
                target.putAll(pages);
            }
        }

        void tear(Map<Long, byte[]> target, Fate fate) {
            int unitBytes = fate.tornUnitBytes();
            pages.forEach((index, page) -> {
                byte[] torn = target.getOrDefault(index, ZEROS).clone();
                for (int unit = 0; unit < PAGE_BYTES; unit += unitBytes) {
                    if (fate.coin()) {
                        System.arraycopy(page, unit, torn, unit, unitBytes);
                    }
                }
                target.put(index, torn);
            });
        }

        void forget(long fromPage, long toPage) {
            pages.subMap(fromPage, toPage).clear();
        }

        void flipBit(long position, int bit) {
            Inode.flipBit(pages, position, bit);
        }

        Write copy() {
            return new Write(new TreeMap<>(pages), sequence, isHole);
        }
    }
}
