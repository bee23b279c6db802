package io.nyala.maintenance;

import io.nyala.compaction.MergePace;
import io.nyala.compaction.MergePolicy;
import io.nyala.memory.Check;

/**
 * When rowsets are merged without anybody's asking. Immutable.
 *
 * @param isAutomatic whether they are at all
 * @param budget what one merge may cost
 * @param youngMicros so long after its last flush a tablet is young: the next flush would probably overlap what is
 *     merged now, which would have to be merged once more
 * @param youngGainMin by so much the average height must become less for a merge in a young tablet
 * @param delayMicrosMax so long a merge waits at most because its tablet is young
 * @param bytesPerSecond all merges together read and write no more, asked for or not; {@link MergePace#UNLIMITED} for
 *     as fast as they can
 */
public record MergeSettings(
        boolean isAutomatic,
        MergePolicy.Budget budget,
        long youngMicros,
        double youngGainMin,
        long delayMicrosMax,
        long bytesPerSecond) {
    public MergeSettings {
        Check.that(youngMicros >= 0 && delayMicrosMax >= youngMicros, "a delay is not negative, nor above its maximum");
        Check.that(youngGainMin >= budget.gainMin(), "a young tablet is merged later than others");
    }
}
