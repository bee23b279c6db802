package io.nyala.server;

import io.nyala.rpc.RpcLoad;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * Tells an operator when a server begins to hold its clients back, and when it does so no more: a line each, and never
 * more often than every few seconds. It has no clock: who owns it has it look once a second. One thread.
 */
final class Pressure {
    /** So many looks without anything end a time of pressure: what comes and goes each second is one time. */
    static final int QUIET_LOOKS = 5;

    private static final String PREFIX = "Service unavailable: ";

    private final Supplier<RpcLoad> load;
    private final Events events;
    private final Spell busy = new Spell();
    private final Spell waiting = new Spell();
    private long seenBusyCount;
    private long busyCount;

    /** @param load how far clients are held back now */
    Pressure(Supplier<RpcLoad> load, Events events) {
        this.load = load;
        this.events = events;
    }

    /** A time of pressure, in looks. */
    private static final class Spell {
        private boolean isOn;
        private int looks;
        private int quietLooks;

        /** Answers whether it begins. */
        boolean begins(boolean isSeen) {
            quietLooks = isSeen ? 0 : quietLooks + 1;
            looks = isOn ? looks + 1 : 1;
            boolean begins = isSeen && !isOn;
            isOn |= isSeen;
            return begins;
        }

        /** Answers whether it ends. */
        boolean ends() {
            boolean ends = isOn && quietLooks == QUIET_LOOKS;
            isOn &= !ends;
            return ends;
        }

        /** How long it was, without the silence that ended it. */
        String seconds() {
            return String.format(Locale.ROOT, "%,d s", looks - QUIET_LOOKS);
        }
    }

    private static String requests(long count) {
        return String.format(Locale.ROOT, "%,d %s", count, count == 1 ? "request was" : "requests were");
    }

    void look() {
        RpcLoad now = load.get();
        long more = now.busyCount() - seenBusyCount;
        seenBusyCount = now.busyCount();
        if (busy.begins(more > 0)) {
            busyCount = 0;
            String why = now.lastBusy();
            events.tell("too busy: " + requests(more)
                    + " told to come again within a second: "
                    + (why.startsWith(PREFIX) ? why.substring(PREFIX.length()) : why));
        }
        busyCount += more;
        if (busy.ends()) {
            events.tell("nobody was told to come again for some seconds: before that, in " + busy.seconds() + ", "
                    + requests(busyCount)); // Which may be as nobody asks any more.
        }
        if (waiting.begins(now.isWaiting())) {
            events.tell("requests wait for memory: those under way, and answers that clients do not take, have all that"
                    + " there is for them");
        }
        if (waiting.ends()) {
            events.tell("requests wait for memory no more, after " + waiting.seconds());
        }
    }
}
