package io.nyala.server;

import io.nyala.catalog.TableDescription;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.master.Master.MasterErrorPB;
import java.util.Map;

/** Settings of a table that have a name and a text on the wire. Stateless. */
final class ExtraConfigs {
    private static final String HISTORY = "kudu.table.history_max_age_sec";

    private ExtraConfigs() {}

    /** How long history is kept by these settings; an empty text stands for the default. */
    static long historySeconds(Map<String, String> configs, long otherwise) {
        long seconds = otherwise;
        for (Map.Entry<String, String> config : configs.entrySet()) {
            if (!config.getKey().equals(HISTORY)) {
                throw invalid("invalid extra configuration property: " + config.getKey());
            }
            seconds = config.getValue().isEmpty() ? TableDescription.HISTORY_SECONDS_DEFAULT : number(config);
        }
        return seconds;
    }

    /** Of a table; nothing is said of what is as it is by default. */
    static Map<String, String> of(long historySeconds) {
        return historySeconds == TableDescription.HISTORY_SECONDS_DEFAULT
                ? Map.of()
                : Map.of(HISTORY, Long.toString(historySeconds));
    }

    private static int number(Map.Entry<String, String> config) {
        try {
            return Integer.parseInt(config.getValue());
        } catch (NumberFormatException _) {
            throw invalid("unable to parse " + config.getKey() + ": " + config.getValue());
        }
    }

    private static MasterException invalid(String message) {
        return new MasterException(MasterErrorPB.Code.UNKNOWN_ERROR, ErrorCode.INVALID_ARGUMENT, message);
    }
}
