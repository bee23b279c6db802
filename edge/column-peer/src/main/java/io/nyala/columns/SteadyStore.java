package io.nyala.columns;

import io.nyala.tablet.TabletLookup.Effort;

/**
 * A store of {@link SteadyRows} that is written, changed and read at the same time, with little memory. Thread-safe;
 * its writers and readers are of one thread each.
 */
interface SteadyStore extends AutoCloseable {
    String name();

    Writer newWriter();

    Reader newReader();

    State state();

    /** Whether it has nothing more to do by itself. */
    boolean isAtRest();

    /** Writes everything once more, without what nobody may ask for any more. */
    void rewrite();

    @Override
    void close();

    /**
     * What a store is like at a moment.
     *
     * @param fileBytes of rows on disk; the log is not counted
     * @param writtenBytes to disk since it was opened, by its own count, the log included; 0 if it has none
     * @param height sorted runs that a look-up has to ask, on average
     * @param changeShare bytes of files of changes beside rows on disk, as a share of these; 0 where there is no such
     *     thing
     * @param memoryBytes that it uses
     */
    record State(long fileBytes, long writtenBytes, double height, double changeShare, long memoryBytes) {}

    /** Puts rows together, and makes them durable together. */
    interface Writer extends AutoCloseable {
        /** A row that is new, if {@code version} is 0, or replaces one. */
        void put(long number, long version);

        void commit();

        /** Key filters that the last commit asked; 0 where that is not told. */
        default long filtersAsked() {
            return 0;
        }

        /** Keys that the last commit looked for on disk, past filters; 0 where that is not told. */
        default long keysLookedUp() {
            return 0;
        }

        @Override
        void close();
    }

    /** Asks for rows. */
    interface Reader extends AutoCloseable {
        /** Reads what there is between two orders, in the order of keys; answers how many rows that are. */
        long scan(long fromOrder, long toOrder);

        /** Whether a row is there; its columns are read. */
        boolean lookUp(long number);

        /** What look-ups took so far; {@link Effort#NONE} where that is not told. */
        Effort effort();

        @Override
        void close();
    }
}
