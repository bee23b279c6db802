package io.nyala.acceptance;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.ColumnTypeAttributes;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.jspecify.annotations.Nullable;

/** A random table of a program: what it is when all of its changes went well. One thread. */
final class DrawnTable {
    private static final Type[] TYPES = {
        Type.INT8,
        Type.INT16,
        Type.INT32,
        Type.INT64,
        Type.STRING,
        Type.BINARY,
        Type.VARCHAR,
        Type.DATE,
        Type.UNIXTIME_MICROS,
        Type.DECIMAL,
        Type.BOOL,
        Type.FLOAT,
        Type.DOUBLE
    };

    private final String name;
    private final List<ColumnSchema> columns;
    private final int keyColumns;
    private int columnsAdded;

    private final DrawnPartitions partitions;

    /**
     * Whether the program may alter it. A real Kudu was seen to lose rows then whose keys had been deleted and inserted
     * again before, so no key comes back to such a table.
     */
    private final boolean isAltered;

    private boolean isRecalled;
    private final Set<String> deletedKeys = new HashSet<>();

    DrawnTable(String name, SplittableRandom random) {
        this.name = name;
        this.isAltered = random.nextBoolean();
        this.keyColumns = 1 + random.nextInt(3);
        this.columns = new ArrayList<>();
        for (int i = 0; i < keyColumns; i++) {
            columns.add(key(i, keyType(random)));
        }
        this.partitions = new DrawnPartitions(columns, random);
        for (int i = 0; i < random.nextInt(7); i++) {
            columns.add(value("v" + i, random, false));
        }
    }

    private static Type keyType(SplittableRandom random) {
        while (true) {
            Type type = TYPES[random.nextInt(TYPES.length)];
            if (Values.mayBeKey(type)) {
                return type;
            }
        }
    }

    private static ColumnSchema key(int index, Type type) {
        return builder("k" + index, type).key(true).build();
    }

    private static ColumnSchemaBuilder builder(String name, Type type) {
        ColumnSchemaBuilder builder = new ColumnSchemaBuilder(name, type);
        if (type == Type.DECIMAL) {
            builder.typeAttributes(new ColumnTypeAttributes.ColumnTypeAttributesBuilder()
                    .precision(name.hashCode() % 2 == 0 ? 7 : 25)
                    .scale(2)
                    .build());
        } else if (type == Type.VARCHAR) {
            builder.typeAttributes(new ColumnTypeAttributes.ColumnTypeAttributesBuilder()
                    .length(3)
                    .build());
        }
        return builder;
    }

    private static ColumnSchema value(String name, SplittableRandom random, boolean mustHaveValue) {
        Type type = TYPES[random.nextInt(TYPES.length)];
        ColumnSchemaBuilder builder = builder(name, type);
        boolean isNullable = random.nextInt(3) > 0;
        builder.nullable(isNullable);
        ColumnSchema plain = builder.build();
        if (random.nextInt(3) == 0 || (mustHaveValue && !isNullable)) {
            builder.defaultValue(Values.drawDefault(plain, random));
        }
        if (random.nextInt(4) == 0) {
            builder.comment("comment of " + name);
        }
        builder.immutable(random.nextInt(8) == 0);
        return builder.build();
    }

    boolean isAltered() {
        return isAltered;
    }

    /** Dropped once, and recalled: a real Kudu changes no settings of such a table any more. */
    boolean isRecalled() {
        return isRecalled;
    }

    void noteRecalled() {
        isRecalled = true;
    }

    /** Whether an operation on this key may come, now that those before have. */
    boolean admits(String key) {
        return !isAltered || !deletedKeys.contains(key);
    }

    void noteDeleted(String key) {
        deletedKeys.add(key);
    }

    String name() {
        return name;
    }

    Schema schema() {
        return new Schema(columns);
    }

    List<ColumnSchema> columns() {
        return columns;
    }

    int keyColumns() {
        return keyColumns;
    }

    DrawnPartitions partitions() {
        return partitions;
    }

    /** Any column but those of the key; null if there is none. */
    @Nullable
    ColumnSchema drawValueColumn(SplittableRandom random) {
        return columns.size() == keyColumns ? null : columns.get(random.nextInt(keyColumns, columns.size()));
    }

    void change(ColumnSchema column, String newName, boolean isImmutable) {
        ColumnSchemaBuilder changed = new ColumnSchemaBuilder(newName, column.getType())
                .nullable(column.isNullable())
                .immutable(isImmutable)
                .typeAttributes(column.getTypeAttributes())
                .comment(column.getComment());
        if (column.getDefaultValue() != null) {
            changed.defaultValue(column.getDefaultValue());
        }
        columns.set(columns.indexOf(column), changed.build());
    }

    ColumnSchema drawNewColumn(SplittableRandom random) {
        return value("added" + columnsAdded++, random, true);
    }
}
