package io.nyala.io;

import java.nio.file.Path;

/** A directory that is ours until {@link #close}. May be closed by any thread, once or more often. */
public interface DirectoryLock extends AutoCloseable {
    Path directory();

    @Override
    void close();
}
