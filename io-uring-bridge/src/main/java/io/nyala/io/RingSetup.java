package io.nyala.io;

/** How the kernel reports completions to the owner of a ring: the dearer, the older. In the order of preference. */
enum RingSetup {
    /** When the one thread that uses it asks for them: Linux 6.1. */
    DEFERRED(1 << 12 | 1 << 13 | 1 << 9, ""),

    /** When the thread that submitted next enters the kernel, for whatever reason: Linux 5.19. */
    COOPERATIVE(1 << 8 | 1 << 9, "without SINGLE_ISSUER and DEFER_TASKRUN (before Linux 6.1), "),

    /** At once, by interrupting the thread that submitted, which may be another than the one that waits. */
    INTERRUPTING(0, "without SINGLE_ISSUER, DEFER_TASKRUN and COOP_TASKRUN (before Linux 5.19), ");

    private final int flags;
    private final String lost;

    RingSetup(int flags, String lost) {
        this.flags = flags;
        this.lost = lost;
    }

    /** As {@code io_uring_setup} takes them. */
    int flags() {
        return flags;
    }

    /** What there is not, compared to the best, for a description; ends with a comma. */
    String lost() {
        return lost;
    }

    /** What to ask an older kernel for. */
    RingSetup next() {
        return this == DEFERRED ? COOPERATIVE : INTERRUPTING;
    }
}
