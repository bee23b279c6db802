package io.nyala.server;

/** Hears of what an operator of a server wants to know, a line each. Called on any thread; must not block for long. */
@FunctionalInterface
public interface Events {
    void tell(String line);
}
