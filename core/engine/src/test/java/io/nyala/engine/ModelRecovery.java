package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.simulation.RowKey;
import io.nyala.table.AncientSnapshotException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Finds out what a crash has left. Of what need not have survived a beginning must be there, in the order of time and
 * over all tablets of all tables, since they have one log; each part of a batch whole, and nothing of what came behind.
 * The models go on from there.
 */
final class ModelRecovery {
    private static final long NOTHING = 0;

    private final Engine engine;
    private final Collection<ModelDriver> tables;

    /** Among these tables, which can be read. */
    ModelRecovery(Engine engine, Collection<ModelDriver> tables) {
        this.engine = engine;
        this.tables = tables;
    }

    /** A tablet, and after which of its parts it may have been cut for what it has now. */
    private record Remains(
            ModelDriver table,
            ModelTablet tablet,
            List<ModelPart> parts,
            NavigableMap<RowKey, List<@Nullable Object>> found,
            TreeSet<Long> possibleCuts) {
        boolean mayBeCutAfter(long time) {
            long last = NOTHING;
            for (ModelPart part : parts) {
                last = part.time() <= time ? part.time() : last;
            }
            return possibleCuts.contains(last);
        }
    }

    /**
     * Where the log ends. Between the two there is nothing that can be seen in the rows.
     *
     * @param earliest what was decided up to here is there
     * @param latest what was decided later is not
     */
    record Cut(long earliest, long latest) {}

    /**
     * Makes the models what the tables are, and answers what is left.
     *
     * @param doubtful all parts that may be there or not
     * @param durableTime what was decided up to here is there
     */
    Cut recover(List<ModelPart> doubtful, long durableTime) {
        Map<ModelTablet, List<ModelPart>> byTablet = new LinkedHashMap<>();
        TreeSet<Long> cuts = new TreeSet<>(List.of(NOTHING));
        for (ModelPart part : doubtful.stream()
                .sorted(Comparator.comparingLong(ModelPart::time))
                .toList()) {
            byTablet.computeIfAbsent(part.tablet(), _ -> new ArrayList<>()).add(part);
            cuts.add(part.time());
        }
        List<Remains> remains = new ArrayList<>();
        byTablet.forEach((tablet, parts) -> remains.add(remains(tablet, parts)));
        List<Long> possible = cuts.descendingSet().stream()
                .filter(cut -> cut >= cuts.floor(Math.max(NOTHING, durableTime)))
                .filter(cut -> remains.stream().allMatch(each -> each.mayBeCutAfter(cut)))
                .toList();
        if (possible.isEmpty()) {
            throw new AssertionError("what a crash has left is not a beginning of the log, cut at " + durableTime
                    + " or later" + describe(remains));
        }
        List<Long> sure = possible.stream()
                .filter(each -> possible.size() == 1 || remains.stream().allMatch(part -> hasHistory(part, each)))
                .toList();
        if (sure.isEmpty()) {
            throw new AssertionError("the past after a crash is wrong" + describe(remains));
        }
        long cut = sure.getFirst();
        for (Remains each : remains) {
            each.tablet().cutAfter(Math.max(cut, each.parts().getFirst().time() - 1)); // What came before is certain.
            each.parts().stream().filter(part -> part.time() <= cut).forEach(each.table()::recovered);
        }
        return new Cut(sure.getLast(), cut);
    }

    /** Lets the tablet's model do all that may have been done, and sees on the way where that agrees. */
    private Remains remains(ModelTablet tablet, List<ModelPart> parts) {
        ModelDriver table = tables.stream()
                .filter(each -> each.has(parts.getFirst()))
                .findFirst()
                .orElseThrow();
        NavigableMap<RowKey, List<@Nullable Object>> found = ModelScan.rowsOf(table, tablet, engine, 0);
        TreeSet<Long> possibleCuts = new TreeSet<>();
        tablet.cutAfter(parts.getFirst().time() - 1);
        if (tablet.rows().newest().equals(found)) {
            possibleCuts.add(NOTHING);
        }
        for (ModelPart part : parts) {
            tablet.apply(part.existing());
            if (tablet.rows().newest().equals(found)) {
                possibleCuts.add(part.time());
            }
        }
        return new Remains(table, tablet, parts, found, possibleCuts);
    }

    /** Where a change was taken back by a later one, only the past tells whether both are there or neither. */
    private boolean hasHistory(Remains remains, long cut) {
        return remains.parts().stream().filter(part -> part.time() <= cut).allMatch(part -> isAsIn(remains, part));
    }

    private boolean isAsIn(Remains remains, ModelPart part) {
        try {
            return ModelScan.rowsOf(remains.table(), remains.tablet(), engine, part.time())
                    .equals(remains.tablet().rows().allAt(part.time()));
        } catch (AncientSnapshotException e) {
            assertTrue(e.mark() <= remains.table().markMax(engine), () -> "too much is forgotten: " + e.getMessage());
            remains.table().unknownBefore(part.time());
            return true;
        }
    }

    private static String describe(List<Remains> remains) {
        var text = new StringBuilder();
        for (Remains each : remains) {
            text.append("\n of ")
                    .append(each.table().tableName())
                    .append(", parts ")
                    .append(each.parts())
                    .append(", possible ")
                    .append(each.possibleCuts());
            if (each.possibleCuts().isEmpty()) {
                text.append(ModelScan.difference(each.tablet().rows().newest(), each.found()));
            }
        }
        return text.toString();
    }
}
