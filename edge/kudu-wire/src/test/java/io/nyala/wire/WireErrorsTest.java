package io.nyala.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.master.Master.MasterErrorPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.wire.WireException.Fault;
import org.junit.jupiter.api.Test;

/**
 * Goal: errors have the codes on which Kudu's clients act, and never one that they take for "ask another server".
 * Method: what a Kudu 1.18.1 server answered; every code once.
 */
final class WireErrorsTest {
    @Test
    void namesErrorsOfRowsAsAKuduServer() {
        assertStatus(ErrorCode.ALREADY_PRESENT, "key already present", RowErrorCode.ALREADY_PRESENT);
        assertStatus(ErrorCode.NOT_FOUND, "key not found", RowErrorCode.NOT_FOUND);
        assertStatus(ErrorCode.INVALID_ARGUMENT, "words", RowErrorCode.MISSING_VALUE);
        assertStatus(ErrorCode.NOT_FOUND, "words", RowErrorCode.NO_RANGE);
    }

    private static void assertStatus(ErrorCode code, String message, RowErrorCode error) {
        AppStatusPB status = WireErrors.status(new RowError(3, error, "words"));
        assertEquals(code, status.getCode());
        assertEquals(message, status.getMessage());
    }

    @Test
    void givesEachRowErrorACode() {
        for (RowErrorCode code : RowErrorCode.values()) {
            ErrorCode answer = WireErrors.status(new RowError(0, code, "words")).getCode();
            // Clients take it for a tablet that has another leader, and try again until their time is over.
            assertEquals(false, answer == ErrorCode.ILLEGAL_STATE || answer == ErrorCode.OK, code + " as " + answer);
        }
    }

    @Test
    void putsTheCodeOfTheFaultAroundAStatus() {
        assertOuter(TabletServerErrorPB.Code.UNKNOWN_ERROR, MasterErrorPB.Code.UNKNOWN_ERROR, Fault.ARGUMENT);
        assertOuter(TabletServerErrorPB.Code.INVALID_SCHEMA, MasterErrorPB.Code.INVALID_SCHEMA, Fault.SCHEMA);
        assertOuter(
                TabletServerErrorPB.Code.MISMATCHED_SCHEMA, MasterErrorPB.Code.INVALID_SCHEMA, Fault.MISMATCHED_SCHEMA);
        assertOuter(TabletServerErrorPB.Code.INVALID_SCAN_SPEC, MasterErrorPB.Code.UNKNOWN_ERROR, Fault.SCAN_SPEC);
    }

    private static void assertOuter(TabletServerErrorPB.Code tablet, MasterErrorPB.Code master, Fault fault) {
        var e = new WireException(ErrorCode.NOT_SUPPORTED, fault, "words");
        assertEquals(tablet, e.tabletServerError().getCode());
        assertEquals(master, e.masterError().getCode());
        assertEquals(WireErrors.status(ErrorCode.NOT_SUPPORTED, "words"), e.status());
        assertEquals(e.status(), e.tabletServerError().getStatus());
        assertEquals(e.status(), e.masterError().getStatus());
    }
}
