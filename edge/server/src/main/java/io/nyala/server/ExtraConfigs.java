package io.nyala.server;

import io.nyala.catalog.TableDescription;
import io.nyala.engine.AlterTable;
import io.nyala.engine.Table;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.master.Master.MasterErrorPB;
import java.time.Duration;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Settings of a table that have a name and a text on the wire, checked and shown as Kudu does. Two of them are kept for
 * the engine, which minds them: which merges it should prefer, and whether rowsets may be merged. Stateless.
 */
final class ExtraConfigs {
    private static final String HISTORY = "kudu.table.history_max_age_sec";
    private static final String PRIORITY = "kudu.table.maintenance_priority";
    private static final String NO_COMPACTION = "kudu.table.disable_compaction";

    private ExtraConfigs() {}

    /** Those that are set, as they are shown; an empty text stands for what is so by default. */
    private static SortedMap<String, String> checked(Map<String, String> given) {
        SortedMap<String, String> settings = new TreeMap<>();
        given.forEach((name, text) -> {
            String shown =
                    switch (name) {
                        case HISTORY, PRIORITY -> text.isEmpty() ? "" : Integer.toString(number(name, text));
                        case NO_COMPACTION -> text.isEmpty() ? "" : truth(name, text);
                        default -> throw invalid("invalid extra configuration property: " + name);
                    };
            settings.put(name, shown);
        });
        return settings;
    }

    /** Of a new table. */
    static TableDescription describe(TableDescription table, Map<String, String> given) {
        SortedMap<String, String> settings = checked(given);
        settings.values().removeIf(String::isEmpty);
        String history = settings.get(HISTORY);
        return table.withSettings(settings)
                .withHistorySecondsMax(
                        history == null ? TableDescription.HISTORY_SECONDS_DEFAULT : historySeconds(history));
    }

    /** Changes those that are given. */
    static void change(AlterTable change, Map<String, String> given) {
        checked(given).forEach((name, text) -> {
            change.setting(name, text);
            if (name.equals(HISTORY)) {
                long seconds = text.isEmpty() ? TableDescription.HISTORY_SECONDS_DEFAULT : historySeconds(text);
                if (seconds == TableDescription.HISTORY_FOREVER) {
                    change.historyForever();
                } else {
                    change.history(Duration.ofSeconds(seconds));
                }
            }
        });
    }

    /** Any that is negative is for ever. */
    private static long historySeconds(String text) {
        return Math.max(TableDescription.HISTORY_FOREVER, Long.parseLong(text));
    }

    /** Of a table; the history is what it is, whoever has set it. */
    static Map<String, String> of(Table table) {
        SortedMap<String, String> settings = new TreeMap<>(table.settings());
        String noted = settings.get(HISTORY);
        long seconds = table.historySecondsMax();
        if (noted == null || historySeconds(noted) != seconds) {
            settings.remove(HISTORY);
            if (seconds != TableDescription.HISTORY_SECONDS_DEFAULT) {
                settings.put(HISTORY, Long.toString(seconds));
            }
        }
        return settings;
    }

    private static int number(String name, String text) {
        try {
            return Integer.parseInt(text.strip());
        } catch (NumberFormatException _) {
            throw unparsable(name, text);
        }
    }

    /** As a real Kudu shows it. */
    private static String truth(String name, String text) {
        if (text.equalsIgnoreCase("true")) {
            return "1";
        }
        if (text.equalsIgnoreCase("false")) {
            return "0";
        }
        throw unparsable(name, text);
    }

    private static MasterException unparsable(String name, String text) {
        return invalid("unable to parse " + name + ": " + text);
    }

    private static MasterException invalid(String message) {
        return new MasterException(MasterErrorPB.Code.UNKNOWN_ERROR, ErrorCode.INVALID_ARGUMENT, message);
    }
}
