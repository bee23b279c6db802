package io.nyala.io;

import java.nio.file.Path;

/** A directory is in use by another process, or by another engine in this one. */
public final class DirectoryLockedException extends DiskException {
    private static final long serialVersionUID = 1L;

    private final long holderPid;

    /**
     * @param holderPid process that holds the lock, or -1 if not known
     */
    public DirectoryLockedException(Path directory, long holderPid) {
        super(
                DiskException.Kind.OTHER,
                directory,
                -1,
                "cannot lock " + directory + ": it is in use by " + holder(holderPid)
                        + ". Close the other one, or use another directory.");
        this.holderPid = holderPid;
    }

    /** The process that holds the lock, or -1 if not known. */
    public long holderPid() {
        return holderPid;
    }

    private static String holder(long pid) {
        if (pid < 0) {
            return "another process";
        }
        return pid == ProcessHandle.current().pid() ? "this process (pid " + pid + ")" : "process " + pid;
    }
}
