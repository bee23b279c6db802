package io.nyala.acceptance;

import java.util.regex.Pattern;
import org.apache.kudu.client.KuduException;

/** What a server, or the client before it, said to one thing after another: a line for each. One thread. */
final class Said {
    /** A letter many times over, of which two dots remain. */
    private static final Pattern REPEATED = Pattern.compile("(.)\\1{30,}");

    /** An error's code, and its words. */
    private static final Pattern ERROR = Pattern.compile(
            ": (Already present|Illegal state|Invalid argument|Not found|Not implemented|Service unavailable): .*");

    private final StringBuilder lines = new StringBuilder();

    /** Something that may fail; answers what it saw. */
    @FunctionalInterface
    interface Try {
        String run() throws Exception;
    }

    /** Something that may fail, and sees nothing if it does not. */
    @FunctionalInterface
    interface Deed {
        void run() throws Exception;
    }

    /** Tries it, and notes what was said. */
    void ask(String what, Try attempt) throws Exception {
        String answer;
        try {
            answer = attempt.run();
        } catch (KuduException e) {
            answer = ClusterRun.failure(e.getStatus());
        } catch (IllegalArgumentException | IllegalStateException e) {
            answer = "the client refuses: " + e.getMessage();
        }
        String shown = REPEATED.matcher(answer.strip()).replaceAll("$1..").replaceAll("\\s+", " ");
        lines.append(what).append(": ").append(shown).append('\n');
    }

    /** Lines without the words about errors, which are each server's own. */
    static String codes(String lines) {
        return ERROR.matcher(lines).replaceAll(": $1");
    }

    void tryTo(String what, Deed deed) throws Exception {
        ask(what, () -> {
            deed.run();
            return "done";
        });
    }

    @Override
    public String toString() {
        return lines.toString();
    }
}
