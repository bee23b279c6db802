package io.nyala.simulation;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnCompression;
import io.nyala.rows.ColumnEncoding;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Random schemas: keys of one to three columns of any type that keys may have, other columns of all types, nullable or
 * not, immutable or not, with defaults and hints or without. Every fourth has a column of each type. Stateless.
 */
public final class RandomSchema {
    private static final List<ColumnType> TYPES = List.of(ColumnType.values());
    private static final List<ColumnType> KEY_TYPES =
            TYPES.stream().filter(ColumnType::mayBeKey).toList();
    private static final int BLOCK_BYTES = 4096;

    /** Seldom: most updates of a row with such a column are refused. */
    private static final int IMMUTABLE_ONE_IN = 12;

    private RandomSchema() {}

    public static Schema draw(SplittableRandom random) {
        List<Column> columns = new ArrayList<>();
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            columns.add(column(random, "k" + columns.size(), KEY_TYPES.get(random.nextInt(KEY_TYPES.size())))
                    .asKey());
        }
        if (random.nextInt(4) == 0) {
            for (ColumnType type : TYPES) {
                columns.add(value(random, "v" + columns.size(), type));
            }
        } else {
            for (int i = random.nextInt(0, 7); i > 0; i--) {
                columns.add(value(random, "v" + columns.size(), TYPES.get(random.nextInt(TYPES.size()))));
            }
        }
        return Schema.of(columns);
    }

    /** A column that is not part of the key, of any type. */
    public static Column value(SplittableRandom random, String name) {
        return value(random, name, TYPES.get(random.nextInt(TYPES.size())));
    }

    private static Column value(SplittableRandom random, String name, ColumnType type) {
        Column column = column(random, name, type);
        if (random.nextBoolean()) {
            column = column.nullable();
        }
        if (random.nextInt(IMMUTABLE_ONE_IN) == 0) {
            column = column.immutable();
        }
        Object readDefault = defaultOrNull(random, column);
        Object writeDefault = defaultOrNull(random, column);
        column = readDefault == null ? column : column.readDefault(readDefault);
        return writeDefault == null ? column : column.writeDefault(writeDefault);
    }

    /**
     * The same column with another write default or without, other hints, another comment, immutable or not any more;
     * its data are the same.
     */
    public static Column changed(SplittableRandom random, Column column) {
        Column changed = hinted(random, column).comment("comment " + random.nextInt(4));
        if (column.isKey()) {
            return changed;
        }
        if (random.nextInt(4) == 0) {
            changed = column.isImmutable() || random.nextInt(4) > 0 ? changed.mutable() : changed.immutable();
        }
        Object writeDefault = defaultOrNull(random, column);
        return writeDefault == null ? changed.withoutWriteDefault() : changed.writeDefault(writeDefault);
    }

    private static @Nullable Object defaultOrNull(SplittableRandom random, Column column) {
        if (random.nextInt(3) > 0) {
            return null;
        }
        Object value = Cells.stored(column, RandomCells.value(random, column));
        return value instanceof Bytes bytes ? bytes.array() : value;
    }

    private static Column column(SplittableRandom random, String name, ColumnType type) {
        Column column =
                switch (type) {
                    case DECIMAL32 -> decimal(random, name, 1, 9);
                    case DECIMAL64 -> decimal(random, name, 10, 18);
                    case DECIMAL128 -> decimal(random, name, 19, 38);
                    case VARCHAR -> Column.varchar(name, random.nextInt(1, 20));
                    default -> Column.of(name, type);
                };
        return hinted(random, column);
    }

    private static Column hinted(SplittableRandom random, Column column) {
        ColumnEncoding[] encodings = ColumnEncoding.values();
        ColumnCompression[] compressions = ColumnCompression.values();
        return column.encoding(encodings[random.nextInt(encodings.length)])
                .compression(compressions[random.nextInt(compressions.length)])
                .blockBytes(random.nextInt(4) == 0 ? BLOCK_BYTES : 0);
    }

    private static Column decimal(SplittableRandom random, String name, int precisionMin, int precisionMax) {
        int precision = random.nextInt(precisionMin, precisionMax + 1);
        return Column.decimal(name, precision, random.nextInt(0, precision + 1));
    }
}
