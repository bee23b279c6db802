package io.nyala.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * What a client says to have the next rows of a scan, or to end it: a ScanRequestPB that opens none. It comes once for
 * each answer, so it is read by hand, where it lies.
 *
 * <pre>{@code
 *   1 scanner_id  3 call_seq_id  4 batch_size_bytes  5 close_scanner
 * }</pre>
 *
 * Immutable.
 *
 * @param scannerId which the server gave to the scan
 * @param callSequence of answers to it, 1 for the second
 * @param batchBytes the size of the answer that the client wants; {@link #NO_BATCH_BYTES} if it did not say
 * @param isLast whether the scan ends with this answer
 */
public record ScanContinuation(String scannerId, int callSequence, long batchBytes, boolean isLast) {
    public static final long NO_BATCH_BYTES = -1;

    /** Twice as long as those that servers give. */
    private static final int ID_BYTES_MAX = 64;

    /** The request as the generated class read it. */
    public static ScanContinuation of(ScanRequestPB request) {
        return new ScanContinuation(
                request.getScannerId().toStringUtf8(),
                request.getCallSeqId(),
                request.hasBatchSizeBytes() ? Integer.toUnsignedLong(request.getBatchSizeBytes()) : NO_BATCH_BYTES,
                request.getCloseScanner());
    }

    /**
     * The request that fills this memory. Null if it opens a scan, or is not what a client would send: the generated
     * class must look at it then, and say what is wrong, if anything is.
     */
    public static @Nullable ScanContinuation read(MemorySegment request) {
        ProtoFields fields = new ProtoFields("ScanRequestPB");
        fields.start(request, 0, request.byteSize());
        long idOffset = 0;
        long idBytes = 0;
        int callSequence = 0;
        long batchBytes = NO_BATCH_BYTES;
        boolean isLast = false;
        try {
            while (fields.next()) {
                if (fields.is(ScanRequestPB.SCANNER_ID_FIELD_NUMBER, ProtoFields.BYTES)) {
                    idOffset = fields.valueOffset();
                    idBytes = fields.valueBytes();
                } else if (fields.is(ScanRequestPB.CALL_SEQ_ID_FIELD_NUMBER, ProtoFields.VARINT)) {
                    callSequence = (int) fields.value();
                } else if (fields.is(ScanRequestPB.BATCH_SIZE_BYTES_FIELD_NUMBER, ProtoFields.VARINT)) {
                    batchBytes = Integer.toUnsignedLong((int) fields.value());
                } else if (fields.is(ScanRequestPB.CLOSE_SCANNER_FIELD_NUMBER, ProtoFields.VARINT)) {
                    isLast = fields.value() != 0;
                } else if (fields.number() == ScanRequestPB.NEW_SCAN_REQUEST_FIELD_NUMBER) {
                    return null;
                }
            }
        } catch (WireException _) {
            return null;
        }
        String id = id(request, idOffset, idBytes);
        return id == null ? null : new ScanContinuation(id, callSequence, batchBytes, isLast);
    }

    /** Null unless it is one that a server could have given. */
    private static @Nullable String id(MemorySegment request, long offset, long bytes) {
        if (bytes == 0 || bytes > ID_BYTES_MAX) {
            return null;
        }
        byte[] id = new byte[(int) bytes];
        MemorySegment.copy(request, JAVA_BYTE, offset, id, 0, id.length);
        for (byte each : id) {
            if (each < 0) {
                return null; // Not ASCII.
            }
        }
        return new String(id, StandardCharsets.ISO_8859_1);
    }
}
