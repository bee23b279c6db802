package io.nyala.io;

/** Opens the disk of this host. Each call is a new one, which the caller closes. */
public final class Disks {
    private Disks() {}

    /** The fastest that works here; {@link Disk#description} says which, and why not a faster one. */
    public static Disk best() {
        String obstacle = RingDisk.obstacle();
        if (obstacle == null) {
            return new RingDisk();
        }
        return RingDisk.nativeObstacle() == null ? new SyscallDisk(obstacle) : new ChannelDisk(obstacle);
    }

    /** io_uring, or an exception that says why it cannot be used here. */
    public static Disk ring() {
        String obstacle = RingDisk.obstacle();
        if (obstacle != null) {
            throw new UnsupportedOperationException("io_uring cannot be used here: " + obstacle);
        }
        return new RingDisk();
    }

    /** System calls without io_uring, or an exception that says why they cannot be made here. */
    public static Disk syscall() {
        String obstacle = RingDisk.nativeObstacle();
        if (obstacle != null) {
            throw new UnsupportedOperationException("pwritev2 cannot be used here: " + obstacle);
        }
        return new SyscallDisk("");
    }

    /** Channels of the JDK: any system. */
    public static Disk channel() {
        return new ChannelDisk("");
    }

    /** By the names used in configuration: {@code best}, {@code ring}, {@code syscall}, {@code channel}. */
    public static Disk named(String name) {
        return switch (name) {
            case "best" -> best();
            case "ring" -> ring();
            case "syscall" -> syscall();
            case "channel" -> channel();
            default ->
                throw new IllegalArgumentException(
                        "no disk named \"" + name + "\"; there are: best, ring, syscall, channel");
        };
    }
}
