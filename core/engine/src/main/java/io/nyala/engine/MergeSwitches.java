package io.nyala.engine;

import java.util.Map;

/**
 * What a table's settings say of merging, under Kudu's names, so that a host of Kudu's clients and one that embeds the
 * engine mean the same. Stateless.
 */
final class MergeSwitches {
    /** Whether rowsets may not be merged unless somebody asks for it: {@code 1} or {@code true}. */
    static final String DISABLED = "kudu.table.disable_compaction";

    /** What comes first: a number from -5 to 5; what is beyond counts as these. */
    static final String PRIORITY = "kudu.table.maintenance_priority";

    private static final int PRIORITY_MAX = 5;

    /** As Kudu's {@code --maintenance_op_multiplier}. */
    private static final double FACTOR = 1.1;

    private MergeSwitches() {}

    /** How much merges of a table with these settings count; 0 for not at all, 1 without any. */
    static double weight(Map<String, String> settings) {
        String disabled = settings.getOrDefault(DISABLED, "");
        if (disabled.equals("1") || disabled.equalsIgnoreCase("true")) {
            return 0;
        }
        return Math.pow(FACTOR, priority(settings.getOrDefault(PRIORITY, "")));
    }

    /** A text that is no number is none: the table was made by a host that did not check it. */
    private static int priority(String text) {
        try {
            return Math.clamp(Long.parseLong(text.strip()), -PRIORITY_MAX, PRIORITY_MAX);
        } catch (NumberFormatException _) {
            return 0;
        }
    }
}
