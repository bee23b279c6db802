package io.nyala.io;

import org.jspecify.annotations.Nullable;

/** Takes the completions that {@link IoQueue#poll} hands out. */
@FunctionalInterface
public interface Completions {
    /**
     * A transfer is over and its memory is the caller's again.
     *
     * @param token what the transfer was queued with
     * @param bytes transferred; fewer than asked only where a read met the end of the file, or after a failure
     * @param failure why it failed, or null
     */
    void completed(long token, int bytes, @Nullable DiskException failure);
}
