package io.nyala.cfile;

import io.nyala.cfile.FileFormat.Identity;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The finished pages of one section while its file is being written, in order, in slabs. They get their places in the
 * file, and so their checksums, only when all sections are complete.
 *
 * <p>For one thread. Owns its slabs.
 */
final class PageStore implements AutoCloseable {
    private static final long SLAB_BYTES_MIN = 16 << 10;

    /** Slabs double up to here: a narrow column holds little more than it has, a wide one takes few steps. */
    private static final long SLAB_BYTES_MAX = 256 << 10;

    private final MemoryAccount account;
    private final List<Slab> slabs = new ArrayList<>();
    private final List<Long> usedBytes = new ArrayList<>();
    private long bytes;
    private int pageCount;
    private int writtenSlabs;

    PageStore(MemoryAccount account) {
        this.account = account;
    }

    /** Bytes of all pages. */
    long bytes() {
        return bytes;
    }

    int pageCount() {
        return pageCount;
    }

    /** Adds a page and answers its bytes in the file. */
    int add(MemorySegment payload, PageCodec codec, int vectorCount, int rowCount, int firstRow) {
        int room = PageFormat.slotBytes(Math.toIntExact(
                codec.mayCompress() ? PageCodec.packedBytesMax(payload.byteSize()) : payload.byteSize()));
        if (slabs.isEmpty() || slabs.getLast().bytes() - usedBytes.getLast() < room) {
            takeSlab(room);
        }
        MemorySegment target = slabs.getLast().segment();
        long offset = usedBytes.getLast();
        long body = offset + PageFormat.HEADER_BYTES;
        PageCodec.Packed packed = codec.pack(payload, target.asSlice(body, offset + room - body));
        if (packed.compression() == PageCodec.NONE) {
            MemorySegment.copy(payload, 0, target, body, payload.byteSize());
        }
        PageFormat.writeHeader(target, offset, packed, vectorCount, rowCount, firstRow);
        int slotBytes = PageFormat.slotBytes(packed.storedBytes());
        usedBytes.set(usedBytes.size() - 1, offset + slotBytes);
        bytes += slotBytes;
        pageCount++;
        return slotBytes;
    }

    private void takeSlab(long room) {
        long next =
                slabs.isEmpty() ? SLAB_BYTES_MIN : Math.min(2 * slabs.getLast().bytes(), SLAB_BYTES_MAX);
        slabs.add(account.take(Math.max(room, next)));
        usedBytes.add(0L);
    }

    /**
     * Writes the pages of one slab more to {@code output}, which decides where they are; false if all were written
     * before.
     */
    boolean writeSome(FileOutput output, Identity identity, int sectionId) {
        if (writtenSlabs == slabs.size()) {
            return false;
        }
        MemorySegment memory = slabs.get(writtenSlabs).segment();
        for (long at = 0; at < usedBytes.get(writtenSlabs); ) {
            PageFormat.seal(memory, at, identity, sectionId, output.position());
            int slotBytes = PageFormat.slotBytes(PageFormat.storedBytes(memory, at));
            output.append(memory, at, slotBytes);
            at += slotBytes;
        }
        writtenSlabs++;
        return true;
    }

    @Override
    public void close() {
        slabs.forEach(account::giveBack);
        slabs.clear();
        usedBytes.clear();
        bytes = 0;
        pageCount = 0;
    }
}
