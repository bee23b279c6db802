package io.nyala.cli;

import io.nyala.engine.Engine;
import io.nyala.engine.Scan;
import io.nyala.engine.ScanBuilder;
import io.nyala.engine.Table;
import io.nyala.rows.Column;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import io.nyala.time.HybridTime;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code nyala scan}: rows of a table, for a look or for another program. One thread. */
@Command(
        name = "scan",
        description = "Print rows of a table. No other engine may have the directory open.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  nyala scan lineitem --data data --limit 10",
            "  nyala scan lineitem --columns l_orderkey,l_tax --where \"l_tax > 0.05 AND l_shipmode IN ('AIR',"
                    + " 'RAIL')\"",
            "  nyala scan lineitem --where \"l_shipdate >= 1998-01-01\" --csv > lineitem.csv",
            "  nyala scan lineitem --at 2026-01-31T12:00:00Z --json | jq .l_orderkey"
        })
final class ScanCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "TABLE", description = "Name of the table.")
    private String table = "";

    @Mixin
    private DataDirectory data = new DataDirectory();

    @Option(
            names = "--columns",
            paramLabel = "NAME",
            split = ",",
            description = "Only these columns, in this order. All if not given.")
    private @Nullable List<String> columns;

    @Option(
            names = "--where",
            paramLabel = "CONDITION",
            description = "Only rows for which it holds: = < <= > >= IN (...), IS [NOT] NULL, joined by AND. May be"
                    + " repeated.")
    private List<String> conditions = List.of();

    @Option(names = "--limit", paramLabel = "N", description = "At most so many rows.")
    private long limit = Long.MAX_VALUE;

    @Option(names = "--in-key-order", description = "Rows in the order of the primary key.")
    private boolean inKeyOrder;

    @Option(
            names = "--at",
            paramLabel = "TIME",
            description = "The state at that time: 2026-01-31T12:00:00Z, or a hybrid time as commits answer it.")
    private @Nullable String at;

    @Option(
            names = "--as-of",
            paramLabel = "NAME",
            description = "The state that `nyala snapshot create` gave this name.")
    private @Nullable String asOf;

    @Option(
            names = "--changed-since",
            paramLabel = "TIME",
            description =
                    "Only rows that changed after that time, or after the snapshot of that name, with whether they"
                            + " are deleted, in the order of the primary key.")
    private @Nullable String changedSince;

    @ArgGroup
    private Form form = new Form();

    /** How rows are printed; as a table if nothing is said. */
    static final class Form {
        @Option(names = "--csv", description = "Print comma-separated values.")
        private boolean csv;

        @Option(names = "--json", description = "Print an object per line.")
        private boolean json;
    }

    @Override
    public Integer call() {
        if (limit < 0) {
            throw new UsageException("--limit must not be negative, was " + limit);
        }
        try (Engine engine = data.open();
                Scan scan = open(engine)) {
            print(scan);
        }
        return Main.OK;
    }

    private Scan open(Engine engine) {
        Table found = data.table(engine, table);
        ScanBuilder scan = found.scan();
        for (String text : conditions) {
            for (Predicate predicate : Conditions.parse(found.schema(), text)) {
                scan.where(predicate);
            }
        }
        if (columns != null) {
            scan.project(existing(found.schema(), columns));
        }
        if (inKeyOrder) {
            scan.inKeyOrder();
        }
        if (at != null) {
            scan.at(time("--at", at, engine.now()));
        }
        if (asOf != null) {
            if (at != null) {
                throw new UsageException("--at and --as-of both say a time; leave one out");
            }
            scan.at(snapshot(found, asOf));
        }
        if (changedSince != null) {
            Long named = found.snapshots().get(changedSince);
            scan.changedSince(named == null ? time("--changed-since", changedSince, engine.now()) : named);
        }
        return scan.limit(limit).open();
    }

    private static String[] existing(Schema schema, List<String> names) {
        for (String name : names) {
            if (schema.indexOf(name) < 0) {
                throw new UsageException("there is no column \"" + name + "\"; the table has "
                        + schema.columns().stream().map(Column::name).toList());
            }
        }
        return names.toArray(String[]::new);
    }

    private static long snapshot(Table table, String name) {
        Long time = table.snapshots().get(name);
        if (time == null) {
            throw new UsageException("table \"" + table.name() + "\" has no snapshot \"" + name + "\"; it has "
                    + table.snapshots().keySet());
        }
        return time;
    }

    private static long time(String option, String text, long now) {
        long time = time(option, text);
        if (time <= HybridTime.NONE || time > now) {
            throw new UsageException(
                    option + " " + text + " is not a time between 1970 and now, which is " + HybridTime.format(now));
        }
        return time;
    }

    private static long time(String option, String text) {
        try {
            if (text.matches("[0-9]+")) {
                return Long.parseLong(text);
            }
            long micros = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.parse(text));
            return HybridTime.of(Math.clamp(micros, 0, HybridTime.MICROS_MAX), HybridTime.LOGICAL_MAX);
        } catch (DateTimeParseException | NumberFormatException e) {
            throw new UsageException(
                    option + " takes a time such as 2026-01-31T12:00:00Z, or a hybrid time, not " + text);
        }
    }

    private void print(Scan scan) {
        PrintWriter out = spec.commandLine().getOut();
        List<Column> printed = scan.batch().columns();
        try (RowPrinter printer = form.csv
                ? RowPrinter.csv(printed, out)
                : form.json ? RowPrinter.json(printed, out) : RowPrinter.table(printed, out)) {
            while (scan.next()) {
                printer.print(scan.batch());
                if (out.checkError()) {
                    return; // Nobody reads on, as behind `head`.
                }
            }
        }
    }
}
