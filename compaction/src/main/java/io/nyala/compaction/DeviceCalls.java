package io.nyala.compaction;

/**
 * How a worker calls a device that may not answer: within such a call it touches nothing but what is its own, so that
 * another worker can do its work anew meanwhile.
 */
@FunctionalInterface
public interface DeviceCalls {
    /** Of a worker from which nothing is taken, or by other means. */
    DeviceCalls UNWATCHED = Runnable::run;

    /**
     * Runs {@code call}. What it opens or makes is to be noted by the call itself, so that it can be given back where
     * this throws.
     *
     * @throws Seat.LostException if another worker has taken the work in the meantime: nothing that others have may be
     *     touched any more
     */
    void run(Runnable call);
}
