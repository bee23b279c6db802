package io.nyala.cfile;

import io.nyala.cfile.FileFormat.Identity;
import io.nyala.io.Completions;
import io.nyala.io.Disk;
import io.nyala.io.DiskException;
import io.nyala.io.DiskFile;
import io.nyala.io.IoQueue;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import io.nyala.memory.Zeros;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A file written from the start to the end, in large aligned writes of which some are in flight while the next is
 * filled.
 *
 * <p>For one thread. Owns its buffers; the file is the caller's, and so is the queue, which {@link #begin} lends and
 * {@link #settle} gives back. A failure is thrown by a later call, at the latest by {@link #finish}.
 */
final class FileOutput implements Completions, AutoCloseable {
    /** Where one writer is as fast as the device with one more in flight. */
    private static final int BUFFER_BYTES = 512 << 10;

    private static final int BUFFER_COUNT = 3;

    private final DiskFile file;
    private final MemoryAccount account;
    private @Nullable IoQueue queue; // While it is being written.
    private final Slab[] buffers = new Slab[BUFFER_COUNT];
    private final boolean[] inFlight = new boolean[BUFFER_COUNT];
    private int taken;
    private int current;
    private int filled;
    private long writtenBytes;
    private @Nullable DiskException failure;

    FileOutput(DiskFile file, MemoryAccount account) {
        this.file = file;
        this.account = account;
        try {
            for (; taken < BUFFER_COUNT; taken++) {
                buffers[taken] = account.take(BUFFER_BYTES);
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** What is written from here on goes by {@code newQueue}, until {@link #settle}. */
    void begin(IoQueue newQueue) {
        Check.that(newQueue.inFlight() == 0, "the queue must have nothing in flight");
        queue = newQueue;
    }

    /** Waits until no write uses a buffer; the queue is not used any more. */
    void settle() {
        IoQueue lent = queue;
        if (lent != null) {
            waitForAll(lent);
            queue = null;
        }
    }

    /** Where the next byte goes. */
    long position() {
        return writtenBytes + filled;
    }

    void append(MemorySegment source, long offset, long bytes) {
        for (long done = 0; done < bytes; ) {
            int part = (int) Math.min(bytes - done, BUFFER_BYTES - filled);
            MemorySegment.copy(source, offset + done, buffers[current].segment(), filled, part);
            done += part;
            filled += part;
            if (filled == BUFFER_BYTES) {
                write(BUFFER_BYTES);
            }
        }
    }

    void appendZeros(long bytes) {
        for (long done = 0; done < bytes; ) {
            int part = (int) Math.min(bytes - done, BUFFER_BYTES - filled);
            Zeros.fill(buffers[current].segment(), filled, part);
            done += part;
            filled += part;
            if (filled == BUFFER_BYTES) {
                write(BUFFER_BYTES);
            }
        }
    }

    /** Writes what is left, a multiple of the alignment, waits for all writes, and makes the file durable. */
    void finish() {
        assert filled % Disk.ALIGNMENT_BYTES == 0 : "unaligned end at " + position();
        if (filled > 0) {
            write(filled);
        }
        drain();
        lent().sync(file, BUFFER_COUNT);
        drain();
    }

    private void write(int bytes) {
        IoQueue lent = lent();
        inFlight[current] = true;
        lent.write(file, writtenBytes, buffers[current].segment(), 0, bytes, current);
        writtenBytes += bytes;
        filled = 0;
        current = (current + 1) % BUFFER_COUNT;
        lent.poll(this);
        while (inFlight[current]) {
            lent.await(Long.MAX_VALUE);
            lent.poll(this);
        }
        throwFailure();
    }

    private IoQueue lent() {
        return Objects.requireNonNull(queue, "a file is written without a queue");
    }

    private void drain() {
        waitForAll(lent());
        throwFailure();
    }

    private void waitForAll(IoQueue lent) {
        while (lent.inFlight() > 0) {
            if (lent.poll(this) == 0) {
                lent.await(Long.MAX_VALUE);
            }
        }
    }

    private void throwFailure() {
        DiskException thrown = failure;
        if (thrown != null) {
            throw thrown;
        }
    }

    @Override
    public void completed(long token, int bytes, @Nullable DiskException cause) {
        if (token < BUFFER_COUNT) {
            inFlight[(int) token] = false;
        }
        if (cause != null && failure == null) {
            failure = cause;
        }
    }

    /** Where nobody can say that no write uses a buffer, all of them stay taken. */
    @Override
    public void close() {
        settle();
        while (taken > 0) {
            account.giveBack(buffers[--taken]);
        }
    }

    /**
     * What a file gets.
     *
     * @param version of the format
     * @param parts all sections, in their order in the file
     */
    record Content(int version, long rowCount, List<CFileWriter.Part> parts) {}

    /**
     * A whole file on its way to the disk: header, the pages of all sections, footer, trailer. Some at a time, between
     * which nothing is under way, so each may go by another queue.
     *
     * <p>For one thread. Whoever creates it closes it, by which the file is deleted unless it is complete.
     */
    static final class Whole implements AutoCloseable {
        private final CFileWriter.Destination destination;
        private final Identity identity;
        private final Content content;
        private final byte[] metadata;
        private final ByteSink assembly;
        private final MemoryAccount account;
        private final DiskFile file;
        private final ByteSink footer;
        private @Nullable FileOutput output;
        private int writtenParts;
        private long partPosition;
        private long fileBytes; // Known at the end.
        private boolean isFileOpen = true;
        private boolean isComplete;

        /**
         * Creates the file.
         *
         * @param metadata bytes for the reader's caller
         * @param assembly used by nobody else until this is closed
         */
        Whole(
                CFileWriter.Destination destination,
                Content content,
                byte[] metadata,
                ByteSink assembly,
                MemoryAccount account) {
            this.destination = destination;
            this.identity = new Identity(destination.fileId(), destination.ownerId());
            this.content = content;
            this.metadata = metadata;
            this.assembly = assembly;
            this.account = account;
            this.footer = new ByteSink(account); // Takes nothing yet.
            this.file = destination.disk().create(destination.path());
        }

        /** Writes about so many bytes more; answers whether all are written, and durable. */
        boolean write(IoQueue queue, long bytesMax) {
            FileOutput present = output;
            if (present == null) {
                file.expectLifetime(DiskFile.Lifetime.LONG);
                present = new FileOutput(file, account);
                output = present;
            }
            present.begin(queue);
            try {
                writeSome(present, bytesMax);
            } finally {
                present.settle(); // Whoever has the queue next knows nothing of these writes.
            }
            present.throwFailure();
            if (fileBytes == 0) {
                return false;
            }
            isFileOpen = false; // Whatever comes of it.
            file.close();
            isComplete = true;
            return true;
        }

        private void writeSome(FileOutput present, long bytesMax) {
            long begin = present.position();
            if (begin == 0) {
                writeHeader(present);
            }
            while (writtenParts < content.parts().size()) {
                if (present.position() - begin >= bytesMax) {
                    return;
                }
                CFileWriter.Part part = content.parts().get(writtenParts);
                if (!part.writeSome(present, identity)) {
                    FooterFormat.putSection(footer, part.entry(), partPosition, part.bytes(), part.pageCount());
                    part.putEntries(footer);
                    partPosition = present.position();
                    writtenParts++;
                }
            }
            fileBytes = writeEnd(present);
        }

        private void writeHeader(FileOutput present) {
            assembly.truncate(0);
            assembly.reserve(FileFormat.HEADER_BYTES);
            FileFormat.writeHeader(assembly.memory(), 0, identity, content.version());
            present.append(assembly.memory(), 0, FileFormat.HEADER_BYTES);
            partPosition = present.position();
            FooterFormat.putHeader(footer, content.parts().size(), metadata, content.rowCount());
        }

        /** Writes footer, padding and trailer, and makes the file durable; answers its bytes. */
        private long writeEnd(FileOutput present) {
            long position = present.position();
            try (var pages = new PageStore(account)) {
                pages.add(footer.memory().asSlice(0, footer.bytes()), CFileWriter.NO_COMPRESSION, 0, 0, 0);
                while (pages.writeSome(present, identity, PageFormat.FOOTER_ID)) {
                    // It is one page.
                }
            }
            int footerBytes = Math.toIntExact(present.position() - position);
            long unaligned = present.position() + FileFormat.TRAILER_BYTES;
            long bytes = (unaligned + Disk.ALIGNMENT_BYTES - 1) / Disk.ALIGNMENT_BYTES * Disk.ALIGNMENT_BYTES;
            present.appendZeros(bytes - unaligned);
            assembly.truncate(0);
            assembly.reserve(FileFormat.TRAILER_BYTES);
            var trailer = new FileFormat.Trailer(content.version(), position, footerBytes, content.rowCount());
            FileFormat.writeTrailer(assembly.memory(), 0, identity, trailer, bytes);
            present.append(assembly.memory(), 0, FileFormat.TRAILER_BYTES);
            present.finish();
            return bytes;
        }

        /** Bytes so far. */
        long position() {
            return output == null ? 0 : output.position();
        }

        /** Once all is written. */
        CFileWriter.Written written() {
            assert isComplete : destination.path() + " is still being written";
            return new CFileWriter.Written(fileBytes, content.rowCount());
        }

        @Override
        public void close() {
            footer.close();
            try {
                if (output != null) {
                    output.close();
                }
            } finally {
                closeFile();
            }
        }

        private void closeFile() {
            try {
                if (isFileOpen) {
                    isFileOpen = false;
                    file.close();
                }
            } finally {
                if (!isComplete) {
                    deleteQuietly();
                }
            }
        }

        private void deleteQuietly() {
            try {
                destination.disk().delete(destination.path());
            } catch (DiskException _) {
                // What led here is thrown; the file is known to be an orphan, and is deleted at the next start.
            }
        }
    }
}
