package io.nyala.engine;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** How often runs of the model have tried what: who says what is tried says how often it came about. One thread. */
final class ModelTally {
    private final Map<Kind, Long> counts = new EnumMap<>(Kind.class);

    /** What is counted. */
    enum Kind {
        /** Operations on rows, refused ones too. */
        ROW_OPERATION(true),
        /** Whatever else a step does. */
        OTHER_STEP(true),
        /** Scans that were read to their ends, and held against the model. */
        COMPARISON(true),
        /** Of these, scans of an earlier state. */
        PAST_SCAN(false),
        /** Of these, scans of what changed between two times. */
        CHANGES_SCAN(false),
        /** Scans of a time that was forgotten. */
        REFUSED_SCAN(false),
        /** Rows of whole states that were compared, and of changes. */
        COMPARED_ROW(false),
        NAMED_SNAPSHOT(false),
        CATALOG_CHANGE(false),
        FLUSH(false),
        MERGE(false),
        DELTA_MERGE(false),
        VACUUM(false),
        /** Merges of rowsets that nobody asked for. */
        AUTOMATIC_MERGE(false),
        AUTOMATIC_DELTA_MERGE(false),
        // The next five are of all merges, whoever wanted them.
        MERGE_OF_SEVERAL(false),
        MAJOR_DELTA_COMPACTION(false),
        MINOR_DELTA_COMPACTION(false),
        /** History that nobody can read any more was left out of a rowset. */
        SPACE_REWRITE(false),
        /** Rowsets of which nobody could see a row any more. */
        DROPPED_ROWSET(false),
        /** The log has forgotten its oldest records. */
        LOG_RELEASE(false),
        /** Steps after which the log was longer than it should be: tablets are flushed for its sake. */
        LONG_LOG(false),
        /** A worker of maintenance was within one call of the disk for long. */
        HANG(false),
        /** What such a worker had was given to another one: its seat, or its merge. */
        TAKE_OVER(false),
        MERGE_TAKE_OVER(false),
        /** The worker came back to that, and was refused. */
        REFUSED_ZOMBIE(false),
        RESTART(false),
        POWER_CUT(false),
        KILLED_PROCESS(false),
        FAULT(false);

        private final boolean isOperation;

        Kind(boolean isOperation) {
            this.isOperation = isOperation;
        }

        private String words() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }

    void count(Kind kind) {
        add(kind, 1);
    }

    void add(Kind kind, long count) {
        counts.merge(kind, count, Long::sum);
    }

    void add(ModelTally other) {
        other.counts.forEach(this::add);
    }

    long of(Kind kind) {
        return counts.getOrDefault(kind, 0L);
    }

    /** Operations of the runs: on rows, and of all else each as one. */
    long operationCount() {
        return counts.entrySet().stream()
                .filter(each -> each.getKey().isOperation)
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    @Override
    public String toString() {
        return counts.entrySet().stream()
                .map(each -> String.format(Locale.ROOT, "%s %,d", each.getKey().words(), each.getValue()))
                .collect(Collectors.joining(", "));
    }
}
