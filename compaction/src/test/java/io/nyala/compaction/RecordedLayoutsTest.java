package io.nyala.compaction;

import static io.nyala.compaction.MergedLayout.key;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.MergePolicy.Choice;
import io.nyala.compaction.MergePolicy.Kind;
import io.nyala.compaction.RowSetShape.DeltaFileShape;
import io.nyala.testkit.Script;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a change of the policy shows what it does to tablets as they are, step by step, and what it costs.
 * Method: layouts that {@code LayoutRecorder} of the engine recorded, merged as the policy says until it has enough;
 * all that is pinned in scripts, for a person to read in the diff.
 */
final class RecordedLayoutsTest {
    /** Far more than any of these takes. */
    private static final int STEPS_MAX = 1000;

    @ParameterizedTest
    @ValueSource(strings = {"ascending", "random", "merged", "updated", "huge", "windows"})
    void isMergedAsThePolicySays(String load) {
        Script.check("compaction/layout-" + load, RecordedLayoutsTest::settled);
    }

    /** Smaller than usual by as much as the rowsets of the recording. */
    private static MergePolicy.Budget budget(long rowSetBytes) {
        return new MergePolicy.Budget(
                4 * rowSetBytes,
                8 << 20,
                MergePolicy.INPUTS_MAX,
                rowSetBytes / 4,
                0.01,
                0.1,
                0.2,
                new CompactionPolicy.Deltas(4, 32, rowSetBytes));
    }

    /** What is done to a recorded layout, and what is left of it. */
    private static String settled(String lines) {
        long rowSetBytes =
                Long.parseLong(lines.lines().findFirst().orElseThrow().replaceAll("\\D", ""));
        var tablet = new PlayedTablet(budget(rowSetBytes), rowSetBytes);
        lines.lines().skip(1).map(RecordedLayoutsTest::rowSet).forEach(tablet::add);
        long bytes = tablet.rowSets().stream().mapToLong(RowSetShape::cost).sum();
        List<String> told = new ArrayList<>();
        told.add(state(tablet));
        Choice choice = tablet.choose();
        for (; choice.kind() != Kind.NOTHING; choice = tablet.choose()) {
            assertTrue(told.size() <= STEPS_MAX, "it never ends: " + choice.reason());
            int count = choice.kind() == Kind.MINOR
                    ? choice.deltaFileIds().size()
                    : choice.fileIds().size();
            long moved = tablet.apply(choice);
            told.add(String.format(
                    Locale.ROOT,
                    "%-7s %2d, %,9d bytes, gains %.3f%s -> %s",
                    choice.kind().name().toLowerCase(Locale.ROOT),
                    count,
                    moved,
                    choice.gain(),
                    choice.isForSpace() ? " for space" : "",
                    state(tablet)));
        }
        told.add(choice.reason());
        long moved = 0;
        for (Kind kind : Kind.values()) {
            moved += tablet.moved(kind);
        }
        told.add(String.format(
                Locale.ROOT,
                "moved %,d bytes, %.2f times what there was: several %,d, major %,d, minor %,d",
                moved,
                (double) moved / bytes,
                tablet.moved(Kind.SEVERAL),
                tablet.moved(Kind.MAJOR),
                tablet.moved(Kind.MINOR)));
        return String.join("\n", told);
    }

    private static String state(PlayedTablet tablet) {
        long bytes = tablet.rowSets().stream().mapToLong(RowSetShape::bytes).sum();
        long changes =
                tablet.rowSets().stream().mapToLong(RowSetShape::changeBytes).sum();
        int files = tablet.rowSets().stream()
                .mapToInt(rowSet -> rowSet.deltaFiles().size())
                .sum();
        String changed = changes == 0
                ? ""
                : String.format(Locale.ROOT, ", changes %.1f %% in %d files", 100.0 * changes / bytes, files);
        return String.format(
                Locale.ROOT,
                "height %.3f of %d%s",
                tablet.height(),
                tablet.rowSets().size(),
                changed);
    }

    /** As {@code LayoutRecorder} writes it; ids of delta files are of no account. */
    private static RowSetShape rowSet(String line) {
        long id = 0;
        long rows = 0;
        long bytes = 0;
        long forgotten = 0;
        long inMemory = 0;
        byte[] min = {};
        byte[] max = {};
        List<DeltaFileShape> deltas = new ArrayList<>();
        Iterator<String> words = Arrays.asList(line.split(" ")).iterator();
        while (words.hasNext()) {
            String word = words.next();
            switch (word) {
                case "rowset" -> id = Long.parseLong(words.next());
                case "keys" -> {
                    min = key(Integer.parseInt(words.next()));
                    max = key(Integer.parseInt(words.next()));
                }
                case "rows" -> rows = Long.parseLong(words.next());
                case "bytes" -> bytes = Long.parseLong(words.next());
                case "forgotten" -> forgotten = Long.parseLong(words.next());
                case "memory" -> inMemory = Long.parseLong(words.next());
                case "deltas" ->
                    words.forEachRemaining(file -> deltas.add(new DeltaFileShape(deltas.size(), Long.parseLong(file))));
                default -> throw new IllegalArgumentException("unknown word \"" + word + "\" in: " + line);
            }
        }
        long changes =
                inMemory + deltas.stream().mapToLong(DeltaFileShape::bytes).sum();
        return new RowSetShape(id, rows, bytes, changes, min, max, deltas, forgotten, false);
    }
}
