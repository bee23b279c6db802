package io.nyala.io;

import java.nio.file.Path;

/**
 * An open file. Its contents are read and written through an {@link IoQueue} of the same disk.
 *
 * <p>Shared by threads. Whoever opened it closes it; closing twice is fine. Transfers in flight at that time still
 * complete.
 */
public interface DiskFile extends AutoCloseable {
    Path path();

    Access access();

    /** Where the file ends now. */
    long bytes();

    /** Cuts the file, or extends it with zeros. Durable after a sync of the file. */
    void truncate(long bytes);

    /**
     * Extends the file with zeros that have their room on the disk, so that writing over them cannot fail for want of
     * it; a longer file is left as it is. Where the file system cannot just keep room, the zeros are written. If it
     * fails, the file is as long as before. Durable after a sync of the file.
     *
     * @param bytes a multiple of {@link Disk#ALIGNMENT_BYTES}
     */
    void allocate(long bytes);

    /**
     * Gives the room of some bytes back, which read as zeros from then on; the file stays as long as it is. Durable
     * after a sync of the file.
     *
     * @param position a multiple of {@link Disk#ALIGNMENT_BYTES}
     * @param bytes likewise; may reach beyond the end
     * @return false where the file system cannot do that: then nothing has changed
     */
    boolean punchHole(long position, long bytes);

    /** Tells the device how long what is written will stay. Means nothing, and costs little, where it cannot know. */
    default void expectLifetime(Lifetime lifetime) {}

    /** Lets go of the file, also if it throws. What was not synced may be lost then, as ever. */
    @Override
    void close();

    /** Closes it because of a failure, which is what the caller is told; one of closing is attached to that. */
    default void closeAfter(Throwable failure) {
        try {
            close();
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }

    /** How long the bytes of a file stay, as far as its writer can tell: a device keeps those of a kind together. */
    enum Lifetime {
        /** Soon written over, as those of a log. */
        SHORT,
        /** Written once and kept. */
        LONG
    }
}
