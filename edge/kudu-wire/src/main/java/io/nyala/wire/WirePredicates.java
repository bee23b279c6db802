package io.nyala.wire;

import com.google.protobuf.ByteString;
import com.google.protobuf.TextFormat;
import io.nyala.protocol.BlockBloomFilter.BlockBloomFilterPB;
import io.nyala.protocol.Common.ColumnPredicatePB;
import io.nyala.protocol.Hash.HashAlgorithm;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import io.nyala.wire.WireException.Fault;
import java.util.ArrayList;
import java.util.List;

/**
 * Predicates of scans. Values come as the bytes of cells; what a column cannot hold (a decimal with more digits, NaN)
 * means what it means in mathematics. NULL matches IS NULL only. For the control plane. Stateless.
 */
public final class WirePredicates {
    private static final int LOG_BLOCK_BYTES = 5;

    /** No request has room for as many: their data is missed first. */
    private static final int LOG_BLOCKS_MAX = 32;

    /** Of an object that holds a value of a list, and of what points to it. */
    private static final int VALUE_BYTES = 64;

    private WirePredicates() {}

    /** About what predicates take of the heap as long as their scan is open. */
    public static int heapBytes(List<ColumnPredicatePB> given) {
        int bytes = 0;
        for (ColumnPredicatePB predicate : given) {
            bytes += predicate.getSerializedSize()
                    + VALUE_BYTES * predicate.getInList().getValuesCount();
        }
        return bytes;
    }

    /** What a scan asks for, all of which must hold; columns are those of the table. */
    public static List<Predicate> toPredicates(Schema schema, List<ColumnPredicatePB> given) {
        List<Predicate> predicates = new ArrayList<>();
        for (ColumnPredicatePB predicate : given) {
            try {
                add(schema, predicate, predicates);
            } catch (IllegalArgumentException e) {
                throw new WireException(Fault.SCAN_SPEC, e);
            }
        }
        return predicates;
    }

    private static void add(Schema schema, ColumnPredicatePB given, List<Predicate> target) {
        if (!given.hasColumn()) {
            throw error("Column predicate must include a column: " + text(given));
        }
        int index = schema.indexOf(given.getColumn());
        if (index < 0) {
            throw error("unknown column in predicate: " + text(given));
        }
        Column column = schema.column(index);
        String name = column.name();
        switch (given.getPredicateCase()) {
            case EQUALITY -> {
                if (!given.getEquality().hasValue()) {
                    throw error("Invalid equality predicate on column: no value: " + name);
                }
                target.add(Predicate.equal(
                        schema, name, value(column, given.getEquality().getValue())));
            }
            case RANGE -> {
                ColumnPredicatePB.Range range = given.getRange();
                if (!range.hasLower() && !range.hasUpper()) {
                    throw error("Invalid range predicate on column: no bounds: " + name);
                }
                addRange(schema, column, range, target);
            }
            case IN_LIST -> {
                List<Object> values = new ArrayList<>();
                for (ByteString value : given.getInList().getValuesList()) {
                    values.add(value(column, value));
                }
                target.add(Predicate.in(schema, name, values));
            }
            case IS_NULL -> target.add(new Predicate.IsNull(index));
            case IS_NOT_NULL -> target.add(new Predicate.IsNotNull(index));
            case IN_BLOOM_FILTER -> addBloom(schema, column, given.getInBloomFilter(), target);
            case PREDICATE_NOT_SET -> throw error("Unknown predicate type for column: " + name);
        }
    }

    private static void addRange(Schema schema, Column column, ColumnPredicatePB.Range range, List<Predicate> target) {
        String name = column.name();
        if (!range.hasUpper()) {
            target.add(Predicate.atLeast(schema, name, value(column, range.getLower())));
        } else if (!range.hasLower()) {
            target.add(Predicate.lessThan(schema, name, value(column, range.getUpper())));
        } else {
            target.add(Predicate.range(schema, name, value(column, range.getLower()), value(column, range.getUpper())));
        }
    }

    /** The Java value of a cell. */
    private static Object value(Column column, ByteString bytes) {
        if (column.type().isVariable()) {
            return bytes.toByteArray();
        }
        if (bytes.size() != column.type().cellBytes()) {
            throw error("Bad predicate on " + WireTypes.describe(column) + ". Expected value size "
                    + column.type().cellBytes() + ", got " + bytes.size());
        }
        return CellValue.ofBytes(bytes.toByteArray()).toObject(column);
    }

    private static void addBloom(
            Schema schema, Column column, ColumnPredicatePB.InBloomFilter given, List<Predicate> target) {
        String name = column.name();
        if (given.getBloomFiltersCount() == 0) {
            throw error("Invalid bloom filter predicate on column: " + name + ". No bloom filters supplied");
        }
        List<Predicate.BloomFilter> filters = new ArrayList<>();
        for (BlockBloomFilterPB filter : given.getBloomFiltersList()) {
            filters.add(filter(name, filter));
        }
        target.add(new Predicate.InBloomFilters(schema.indexOf(name), filters));
        if (given.hasLower() || given.hasUpper()) {
            ColumnPredicatePB.Range.Builder range = ColumnPredicatePB.Range.newBuilder();
            if (given.hasLower()) {
                range.setLower(given.getLower());
            }
            if (given.hasUpper()) {
                range.setUpper(given.getUpper());
            }
            addRange(schema, column, range.build(), target);
        }
    }

    private static Predicate.BloomFilter filter(String column, BlockBloomFilterPB given) {
        String failed = "Failed to initialize bloom filter predicate on column: " + column + ": ";
        if (!given.hasLogSpaceBytes()
                || !given.hasBloomData()
                || !given.hasHashAlgorithm()
                || !given.hasAlwaysFalse()) {
            throw error(failed + "Missing arguments to initialize BlockBloomFilter.");
        }
        if (given.getHashAlgorithm() != HashAlgorithm.FAST_HASH) {
            throw error(failed + "Invalid/Unsupported hash algorithm " + given.getHashAlgorithm());
        }
        int log = given.getLogSpaceBytes();
        int logBlocks = Math.max(log - LOG_BLOCK_BYTES, 1); // As a real Kudu does it, which overflows like this.
        if (logBlocks > LOG_BLOCKS_MAX) {
            throw error(failed + "Bloom filter too large. log_space_bytes: " + log);
        }
        long bytes = 1L << (logBlocks + LOG_BLOCK_BYTES);
        if (given.getBloomData().size() != bytes) {
            throw error(failed + "Mismatch in BlockBloomFilter source directory size "
                    + given.getBloomData().size() + " and expected size " + bytes);
        }
        return new Predicate.BloomFilter(
                given.getBloomData().toByteArray(), given.getHashSeed(), given.getAlwaysFalse());
    }

    private static String text(ColumnPredicatePB given) {
        return TextFormat.printer().emittingSingleLine(true).printToString(given);
    }

    private static WireException error(String message) {
        return new WireException(Fault.SCAN_SPEC, message);
    }
}
