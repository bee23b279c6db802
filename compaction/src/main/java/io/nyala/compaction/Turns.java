package io.nyala.compaction;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Who of many has something to do. Whoever gives one of them something lists it afterwards; the agent takes it off
 * the list before it looks for the last time whether there is nothing: so one of the two sees the other. Others, of
 * which there may be thousands, are not looked at.
 *
 * <p>{@link #list} is for any thread, the rest for the agent's.
 */
public final class Turns<T> {
    private final Predicate<T> isQuiet;
    private final List<Turn<T>> active = new ArrayList<>();

    /** A stack of those that are to be added to them. */
    private final AtomicReference<@Nullable Turn<T>> listed = new AtomicReference<>();

    /** One of them, listed or not. */
    public static final class Turn<T> {
        private final T whose;
        private final AtomicBoolean isListed = new AtomicBoolean();
        private @Nullable Turn<T> next; // In the stack of those that are to be added.
        private boolean isGone;

        public Turn(T whose) {
            this.whose = whose;
        }
    }

    /** @param isQuiet whether one of them has nothing to do, until somebody gives it something */
    public Turns(Predicate<T> isQuiet) {
        this.isQuiet = isQuiet;
    }

    /** One of them has something to do. */
    public void list(Turn<T> turn) {
        if (turn.isListed.compareAndSet(false, true)) {
            Turn<T> before;
            do {
                before = listed.get();
                turn.next = before;
            } while (!listed.compareAndSet(before, turn));
        }
    }

    /** Adds those that were listed since. */
    public void takeListed() {
        Turn<T> turn = listed.get() == null ? null : listed.getAndSet(null);
        while (turn != null) {
            Turn<T> next = turn.next;
            turn.next = null;
            if (!turn.isGone) {
                active.add(turn);
            }
            turn = next;
        }
    }

    /** Those that were listed and have not been let go. */
    public int count() {
        return active.size();
    }

    public T get(int index) {
        return active.get(index).whose;
    }

    /** It will not be listed any more, or in vain. */
    public void remove(Turn<T> turn) {
        turn.isGone = true;
        active.remove(turn);
    }

    public void letQuietOnesGo() {
        int kept = 0;
        for (int i = 0; i < active.size(); i++) {
            Turn<T> turn = active.get(i);
            if (!isOver(turn)) {
                active.set(kept++, turn);
            }
        }
        while (active.size() > kept) {
            active.removeLast();
        }
    }

    /** Whether it has nothing to do, or is listed once more. */
    private boolean isOver(Turn<T> turn) {
        if (!isQuiet.test(turn.whose)) {
            return false;
        }
        turn.isListed.set(false);
        return isQuiet.test(turn.whose) || !turn.isListed.compareAndSet(false, true);
    }
}
