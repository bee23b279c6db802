package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.acceptance.DifferencesPage.Line;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: what {@code docs/KUDU_COMPATIBILITY.md} says differs on purpose does, as it says, and no line of it is without
 * a proof. Method: for each line what a real Kudu does and what our server does, told to both; the words of the line
 * stand here once more, so that who changes one must look at the other.
 */
@ExtendWith(Both.Parameter.class)
final class DifferencesTest {
    /** Shows that a line is true of both. */
    @FunctionalInterface
    private interface Proof {
        void show() throws Exception;
    }

    private static Map<Line, Proof> proofs(Both both) {
        var rows = new RowDifferences(both);
        var tables = new TableDifferences(both);
        var names = new NameDifferences(both);
        Map<Line, Proof> proofs = new LinkedHashMap<>();
        proofs.put(
                new Line(
                        "durability of a write",
                        "acknowledged when it is in the page cache of a majority, unless `log_force_fsync_all`",
                        "acknowledged when it is on stable storage"),
                rows::durability);
        proofs.put(
                new Line(
                        "replicas",
                        "1, 3, 5, 7 by table, where there are as many tablet servers",
                        "any odd number up to 7 is accepted, and served by one; a table says it has 1"),
                tables::replicas);
        proofs.put(
                new Line(
                        "tablets of a new table",
                        "60 replicas for each tablet server, where a table has more than one",
                        "as many as the engine takes"),
                tables::tabletsOfNewTable);
        proofs.put(
                new Line(
                        "a time before the history that is kept, of a tablet in which nothing has happened since",
                        "refused",
                        "answered"),
                rows::historyOfNothing);
        proofs.put(
                new Line(
                        "`kudu.table.maintenance_priority`, `kudu.table.disable_compaction`",
                        "weigh what maintenance does first; keep rowsets from being merged",
                        "the same for merges of rowsets that nobody asked for; flushes come in the order that memory "
                                + "and the log need, whatever the priority"),
                tables::settings);
        proofs.put(
                new Line(
                        "settings of a table that has `kudu.table.disable_compaction`",
                        "cannot be changed any more: its own text for it is refused",
                        "can be changed"),
                tables::settingsOfTableThatIsNotCompacted);
        proofs.put(
                new Line(
                        "a table that was dropped and recalled",
                        "has `kudu.table.disable_compaction` = 0, and so is such a one",
                        "has the settings that it had"),
                tables::settingsOfRecalledTable);
        addRest(proofs, rows, tables, names);
        return proofs;
    }

    private static void addRest(
            Map<Line, Proof> proofs, RowDifferences rows, TableDifferences tables, NameDifferences names) {
        proofs.put(
                new Line(
                        "bounds of ranges, where any range of a new table has hash levels of its own",
                        "an exclusive lower bound is refused, an inclusive upper bound is taken as exclusive",
                        "as in other tables"),
                tables::boundsOfRangesWithOwnHash);
        proofs.put(
                new Line(
                        "an exclusive lower or inclusive upper bound of a range that leaves out a UNIXTIME_MICROS",
                        "refused: it counts the time up as an integer",
                        "begins behind the least time, as with other types"),
                tables::boundsWithoutTime);
        proofs.put(
                new Line("an empty text as upper bound of a range", "no bound", "refused: no row is before it"),
                tables::emptyUpperBound);
        proofs.put(
                new Line(
                        "a bound of ranges of several columns that ends with an empty text or leaves one out, where"
                                + " any range of a new table has hash levels of its own",
                        "made without the text, so that the Java client cannot open the table",
                        "as in other tables"),
                tables::emptyTextInBoundsWithOwnHash);
        proofs.put(
                new Line(
                        "rows of one write request",
                        "any number within the 50 MiB of a request",
                        "1,048,576; words of errors 8 MiB in all, those behind have codes only"),
                rows::rowsOfRequest);
        proofs.put(
                new Line(
                        "a row of more than 8 MiB",
                        "taken, within the 50 MiB of a request",
                        "an error of that row (INVALID_ARGUMENT)"),
                rows::largeRows);
        addLast(proofs, rows, tables, names);
    }

    private static void addLast(
            Map<Line, Proof> proofs, RowDifferences rows, TableDifferences tables, NameDifferences names) {
        proofs.put(
                new Line(
                        "predicates of a scan",
                        "any number of values and filters within the 50 MiB of a request",
                        "65,536 values of an IN list, 64 Bloom filters of a column, and 4 MiB in all"),
                rows::predicates);
        proofs.put(
                new Line(
                        "a CreateTable or AlterTable of more than 4 MiB",
                        "looked at, within the 50 MiB of a request",
                        "the call fails (ERROR_INVALID_REQUEST)"),
                names::largeRequests);
        proofs.put(
                new Line(
                        "halves of surrogate pairs in names, owners and comments",
                        "taken for UTF-8",
                        "refused as none"),
                names::halvesOfPairs);
        proofs.put(
                new Line(
                        "`reserve_seconds` = 4,294,967,295 of a table that is dropped",
                        "is no time: it cannot be recalled",
                        "is a time as any other"),
                names::longestReservation);
        proofs.put(
                new Line(
                        "start and last key of one scan in the order of keys",
                        "refused",
                        "taken: it goes on behind the last key"),
                names::startAndLastKey);
        proofs.put(
                new Line(
                        "batch of a scan",
                        "ends within 128 rows of the limit",
                        "has 16 rows, then as many more as fit if they are as large as those before"),
                rows::batchOfScan);
        proofs.put(
                new Line(
                        "tables that were dropped and can be recalled",
                        "are found under their names",
                        "are found by their ids; the names are free at once"),
                tables::droppedTables);
        proofs.put(
                new Line(
                        "`dimension_label` of tablets",
                        "kept, told with their locations, and weighed when replicas are placed",
                        "ignored"),
                tables::labels);
        addLimits(proofs, rows, tables);
    }

    private static void addLimits(Map<Line, Proof> proofs, RowDifferences rows, TableDifferences tables) {
        proofs.put(
                new Line(
                        "ids of one `GetTabletLocations`",
                        "any number, and an answer to each, however often it is there",
                        "10,000 at most, and one answer to those that are the same"),
                tables::idsOfTablets);
        proofs.put(
                new Line(
                        "connections",
                        "as many as the process may have files open",
                        "10,000 at each port, or fewer where the process may have few files open; more are closed at"
                                + " once"),
                tables::connections);
        proofs.put(
                new Line(
                        "clients that write to a tablet and whose answers it keeps",
                        "any number, for an hour",
                        "16,384; then those that were quiet for ten minutes make room, and if there are none, new"
                                + " ones come again later"),
                rows::clientsWhoseAnswersAreKept);
        proofs.put(new Line("`SetFlag`, `GetFlags`", "flags of the process", "no flags"), tables::flags);
    }

    @Test
    void eachLineHasAProofAndEachProofALine(Both both) throws IOException {
        assertEquals(
                text(DifferencesPage.lines()), text(List.copyOf(proofs(both).keySet())));
    }

    private static String text(List<Line> lines) {
        StringBuilder text = new StringBuilder();
        lines.forEach(line -> text.append(line).append('\n'));
        return text.toString();
    }

    @TestFactory
    Stream<DynamicTest> eachLineIsTrue(Both both) {
        return proofs(both).entrySet().stream()
                .map(each -> DynamicTest.dynamicTest(
                        each.getKey().subject(), () -> each.getValue().show()));
    }
}
