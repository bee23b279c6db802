package io.nyala.server;

/** Hears of what an operator of a server wants to know, a line each. Called on any thread; must not block for long. */
@FunctionalInterface
public interface Events {
    void tell(String line);

    /**
     * The same, of which each is one line: what ends a line or moves a cursor is written as its code. Names of tables
     * and users are what clients send.
     */
    static Events inLines(Events events) {
        return line -> {
            StringBuilder text = new StringBuilder(line.length());
            for (int i = 0; i < line.length(); i++) {
                char c = line.charAt(i);
                if (Character.isISOControl(c)) {
                    text.append(String.format("\\u%04x", (int) c));
                } else {
                    text.append(c);
                }
            }
            events.tell(text.toString());
        };
    }
}
