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

    @Override
    void close();
}
