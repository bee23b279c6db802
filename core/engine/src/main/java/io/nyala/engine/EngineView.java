package io.nyala.engine;

import io.nyala.cfile.PageCache;
import io.nyala.memory.AccountUsage;
import io.nyala.table.HostedTablet;
import io.nyala.tablet.Tablet;
import io.nyala.wal.LogCounters;
import io.nyala.wal.WriteAheadLog;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What an engine has and does at one moment, for those who watch it. Read one after the other: what is under way may be
 * in one number and not yet in the next. Immutable.
 *
 * @param directory where its data is
 * @param disk what it does its input and output with
 * @param memoryBytesMax all native memory that it may use
 * @param memoryBytesPeak the most that it used at any moment since it was opened
 * @param memory in use, by what it is used for
 * @param openScans scans that are open
 * @param counters what it has done since it was opened, by name; see {@link EngineCounters}
 * @param cache pages in memory, and how often one was there
 * @param log the write-ahead log of all tablets
 * @param flushingTablet the tablet that is being flushed now
 * @param flushedShare the part of its rows in memory that is written by now
 * @param failures what does not work now; see {@link Engine#failures}
 */
public record EngineView(
        Path directory,
        String disk,
        long memoryBytesMax,
        long memoryBytesPeak,
        List<AccountUsage> memory,
        int openScans,
        Map<String, Long> counters,
        PageCache.Statistics cache,
        Log log,
        OptionalLong flushingTablet,
        OptionalDouble flushedShare,
        List<RuntimeException> failures) {
    /**
     * Where the write-ahead log is, and what was written to it since it was opened.
     *
     * @param segmentCount files with records that a restart would need, the one written to included
     * @param segmentBytes size of each
     * @param oldest first record in them
     * @param oldestTablet the one that needs the oldest of these records that are needed; empty if none does
     * @param durableUpTo last record that would survive a power cut
     * @param writes transfers to disk
     * @param syncs of the disk, that were not part of a transfer
     * @param writtenBytes padding included
     * @param preparedBytes besides these, to make files ready
     * @param payloadBytes of those written, what batches and answers left: the rest is headers and padding
     */
    public record Log(
            int segmentCount,
            long segmentBytes,
            long oldest,
            OptionalLong oldestTablet,
            long durableUpTo,
            long writes,
            long syncs,
            long writtenBytes,
            long preparedBytes,
            long payloadBytes) {
        static Log of(OpenEngine engine) {
            WriteAheadLog log = engine.log();
            LogCounters counters = log.counters();
            return new Log(
                    log.segmentCount(),
                    engine.config().logSegmentBytes(),
                    log.oldestSequence(),
                    oldestTablet(engine),
                    log.durableUpTo(),
                    counters.writes(),
                    counters.syncs(),
                    counters.diskBytes(),
                    counters.preparedBytes(),
                    counters.payloadBytes());
        }

        private static OptionalLong oldestTablet(OpenEngine engine) {
            long least = Long.MAX_VALUE;
            OptionalLong tablet = OptionalLong.empty();
            for (HostedTablet each : engine.tablets().all()) {
                long needed = each.tablet().neededFrom();
                if (needed < least) {
                    least = needed;
                    tablet = OptionalLong.of(each.id());
                }
            }
            return tablet;
        }

        /** Bytes of the files that a restart would need. */
        public long retainedBytes() {
            return segmentCount * segmentBytes;
        }
    }

    static EngineView of(OpenEngine engine, int openScans) {
        EngineConfig config = engine.config();
        return new EngineView(
                config.directory(),
                engine.disk().description(),
                engine.memory().limitBytes(),
                engine.memory().peakBytes(),
                engine.memory().usage(),
                openScans,
                engine.counters().values(),
                engine.files().cacheStatistics(),
                Log.of(engine),
                engine.maintenance()
                        .flushing()
                        .map(Tablet::id)
                        .map(OptionalLong::of)
                        .orElse(OptionalLong.empty()),
                engine.maintenance().flushedShare(),
                engine.failures());
    }
}
