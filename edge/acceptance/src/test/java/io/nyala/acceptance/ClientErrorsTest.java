package io.nyala.acceptance;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.ColumnSchema.Encoding;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.AlterTableOptions;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.PartialRow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: what cannot be done is refused with Kudu's code and with words that say why, and leaves all as it was. Method:
 * tables and changes that cannot be, one after another, of our server and of a real Kudu; the words are ours, which say
 * more than its own in places.
 */
@ExtendWith(Both.Parameter.class)
final class ClientErrorsTest {
    private static final Schema SCHEMA = new Schema(List.of(
            new ColumnSchemaBuilder("k", Type.INT32).key(true).build(),
            new ColumnSchemaBuilder("l", Type.INT32).key(true).build(),
            new ColumnSchemaBuilder("v", Type.STRING).nullable(true).build()));

    private static final String TABLES = """
        there already: Already present: table there already exists with id # (error 0)
        no name: Invalid argument: invalid table name: empty string not a valid identifier (error 0)
        long name: Invalid argument: invalid table name: identifier 'n..' longer than maximum permitted \
        length 256 (error 0)
        NUL in name: Invalid argument: invalid table name: identifier must not contain null bytes (error 0)
        long owner: Invalid argument: invalid owner name: identifier 'o..' longer than maximum permitted \
        length 128 (error 0)
        long comment: Invalid argument: invalid table comment: identifier 'z..' longer than maximum permitted \
        length 256 (error 0)
        unknown setting: Invalid argument: invalid extra configuration property: none (error 0)
        setting that is no number: Invalid argument: unable to parse kudu.table.history_max_age_sec: long \
        (error 0)
        two replicas: Invalid argument: illegal replication factor 2: replication factor must be odd (error 0)
        nine replicas: Invalid argument: illegal replication factor 9: maximum allowed replication factor \
        is 7 (error 0)
        no replicas: Invalid argument: illegal replication factor 0: minimum allowed replication factor \
        is 1 (error 0)
        one bucket: Invalid argument: must have at least two hash buckets, was given 1 (error 0)
        no columns to hash: Invalid argument: must have at least one hash column, in each hash level (error 0)
        hash of a value: Invalid argument: must specify only primary key columns for hash bucket \
        partition components: v is not in the key (error 0)
        hash of a missing column: Invalid argument: unknown column: name: "x" (error 0)
        two levels of one column: Invalid argument: hash bucket schema components must not contain \
        columns in common: k is in two of them (error 0)
        range of a value: Invalid argument: must specify only primary key columns for range partition \
        component: v is not in the key (error 0)
        range of a missing column: Invalid argument: unknown column: name: "x" (error 0)
        range backwards: Invalid argument: range partition lower bound must be less than the upper bound: \
        5 and 1 (error 0)
        empty range: Invalid argument: range partition lower bound must be less than the upper bound: 5 \
        and 5 (error 0)
        ranges that overlap: Invalid argument: overlapping range partitions: first range partition: 0 <= \
        VALUES < 10, second range partition: 5 <= VALUES < 15 (error 0)
        the same split twice: Invalid argument: duplicate split row: 5 (error 0)
        split outside of ranges: Invalid argument: split out of bounds: 15 (error 0)
        no partitions named: the client refuses: Table partitioning must be specified using \
        setRangePartitionColumns or addHashPartitions
        many columns: Invalid argument: number of columns 301 is greater than the permitted maximum 300 \
        (error 0)
        two columns of one name: the client refuses: Column names must be unique: [Column name: k, type: \
        int32, Column name: v, type: int8, Column name: v, type: int16]
        long column name: Invalid argument: invalid column name: identifier 'z..' longer than maximum \
        permitted length 256 (error 0)
        column without a name: Invalid argument: invalid column name: empty string not a valid identifier \
        (error 0)
        runs of doubles: Not implemented: invalid encoding for column 'v': encoding RLE not supported for \
        type DOUBLE (error 0)
        shuffled bits of texts: Not implemented: invalid encoding for column 'v': encoding BIT_SHUFFLE \
        not supported for type STRING (error 0)
        dictionary of numbers: Not implemented: invalid encoding for column 'v': encoding DICT_ENCODING \
        not supported for type INT32 (error 0)
        key of Type: bool: Invalid argument: key column may not have type of BOOL, FLOAT, or DOUBLE (error 0)
        key of Type: float: Invalid argument: key column may not have type of BOOL, FLOAT, or DOUBLE (error 0)
        key of Type: double: Invalid argument: key column may not have type of BOOL, FLOAT, or DOUBLE \
        (error 0)
        tables that came of it: []
        """;

    private static final String CHANGES = """
        nothing: done
        name that is taken: Already present: table other already exists (error 0)
        no name: Invalid argument: invalid table name: empty string not a valid identifier (error 0)
        long name: Invalid argument: invalid table name: identifier 'n..' longer than maximum permitted \
        length 256 (error 0)
        long owner: Invalid argument: invalid owner name: identifier 'o..' longer than maximum permitted \
        length 128 (error 0)
        long comment: Invalid argument: invalid table comment: identifier 'z..' longer than maximum permitted \
        length 256 (error 0)
        unknown setting: Invalid argument: invalid extra configuration property: none (error 0)
        add a column that is there: Already present: The column already exists: v (error 0)
        add a column with a long name: Invalid argument: invalid column name: identifier 'z..' longer \
        than maximum permitted length 256 (error 0)
        add a column that needs a value: the client refuses: A new non-null column must have a default value
        add a column of the key: the client refuses: Key columns cannot be added
        drop a column that is missing: Not found: The specified column does not exist: x (error 0)
        drop a column of the key: Invalid argument: cannot remove a key column: k (error 0)
        rename a column that is missing: Not found: The specified column does not exist: x (error 0)
        rename a column to one that is there: Already present: The column already exists: k (error 0)
        default of a column that is missing: Not found: The specified column does not exist: x (error 0)
        no default of a column that is missing: Not found: The specified column does not exist: x (error 0)
        default of a column of the key: done
        default of another size: done
        comment of a column that is missing: Not found: The specified column does not exist: x (error 0)
        long comment of a column: Invalid argument: invalid column comment: identifier 'z..' longer than \
        maximum permitted length 256 (error 0)
        encoding of a column that is missing: Not found: The specified column does not exist: x (error 0)
        encoding that the type has not: Not implemented: invalid encoding for column 'v': encoding RLE \
        not supported for type STRING (error 0)
        drop a range that is missing: Invalid argument: no range partition to drop: 10 <= VALUES < 20 \
        (error 0)
        drop a part of a range: Invalid argument: no range partition to drop: 0 <= VALUES < 5 (error 0)
        add a range that is there: Already present: range partition already exists: 0 <= VALUES < 10 (error 0)
        add a range that overlaps: Invalid argument: new range partition conflicts with existing one: 5 \
        <= VALUES < 15 (error 0)
        add a range backwards: Invalid argument: range partition lower bound must be less than the upper \
        bound: 30 and 20 (error 0)
        one step that cannot be after one that can: Not found: The specified column does not exist: x \
        (error 0)
        a table that is missing: Not found: the table does not exist: table_name: "missing" (error 0)
        range of a table without ranges: Invalid argument: split rows may only contain values for range \
        partition columns: k (error 0)
        what it is: changed Column name: k, type: int32 id 0 nullable false immutable false default 1 \
        encoding AUTO_ENCODING compression DEFAULT_COMPRESSION comment Column name: l, type: int32 id 1 \
        nullable false immutable false default 1 encoding AUTO_ENCODING compression DEFAULT_COMPRESSION \
        comment Column name: v, type: string id 2 nullable true immutable false default null encoding \
        AUTO_ENCODING compression DEFAULT_COMPRESSION comment settings {} ranges [0 <= VALUES < 10]
        """;

    private static CreateTableOptions plain() {
        return new CreateTableOptions().setRangePartitionColumns(List.of());
    }

    private static PartialRow at(int k) {
        PartialRow row = SCHEMA.newPartialRow();
        row.addInt("k", k);
        return row;
    }

    private static Schema with(ColumnSchema... columns) {
        List<ColumnSchema> all = new ArrayList<>(
                List.of(new ColumnSchemaBuilder("k", Type.INT32).key(true).build()));
        all.addAll(List.of(columns));
        return new Schema(all);
    }

    private static CreateTableOptions byRange() {
        return new CreateTableOptions().setRangePartitionColumns(List.of("k"));
    }

    @Test
    void tablesThatCannotBeMade(Both both) throws Exception {
        both.tellByCode(TABLES, client -> {
            Said said = new Said();
            client.createTable("there", SCHEMA, plain());
            names(said, client);
            partitions(said, client);
            columns(said, client);
            said.ask(
                    "tables that came of it",
                    () -> client.getTablesList("unmade").getTablesList().toString());
            return said.toString();
        });
    }

    private static void names(Said said, KuduClient client) throws Exception {
        create(said, client, "there already", "there", SCHEMA, plain());
        create(said, client, "no name", "", SCHEMA, plain());
        create(said, client, "long name", "n".repeat(257), SCHEMA, plain());
        create(said, client, "NUL in name", "a\0b", SCHEMA, plain());
        create(said, client, "long owner", "unmade", SCHEMA, plain().setOwner("o".repeat(129)));
        create(said, client, "long comment", "unmade", SCHEMA, plain().setComment("z".repeat(257)));
        create(said, client, "unknown setting", "unmade", SCHEMA, plain().setExtraConfigs(Map.of("none", "1")));
        create(
                said,
                client,
                "setting that is no number",
                "unmade",
                SCHEMA,
                plain().setExtraConfigs(Map.of("kudu.table.history_max_age_sec", "long")));
        create(said, client, "two replicas", "unmade", SCHEMA, plain().setNumReplicas(2));
        create(said, client, "nine replicas", "unmade", SCHEMA, plain().setNumReplicas(9));
        create(said, client, "no replicas", "unmade", SCHEMA, plain().setNumReplicas(0));
    }

    private static void partitions(Said said, KuduClient client) throws Exception {
        create(said, client, "one bucket", "unmade", SCHEMA, plain().addHashPartitions(List.of("k"), 1));
        create(said, client, "no columns to hash", "unmade", SCHEMA, plain().addHashPartitions(List.of(), 2));
        create(said, client, "hash of a value", "unmade", SCHEMA, plain().addHashPartitions(List.of("v"), 2));
        create(said, client, "hash of a missing column", "unmade", SCHEMA, plain().addHashPartitions(List.of("x"), 2));
        create(
                said,
                client,
                "two levels of one column",
                "unmade",
                SCHEMA,
                plain().addHashPartitions(List.of("k"), 2).addHashPartitions(List.of("k", "l"), 3));
        create(said, client, "range of a value", "unmade", SCHEMA, plain().setRangePartitionColumns(List.of("v")));
        create(
                said,
                client,
                "range of a missing column",
                "unmade",
                SCHEMA,
                plain().setRangePartitionColumns(List.of("x")));
        create(said, client, "range backwards", "unmade", SCHEMA, byRange().addRangePartition(at(5), at(1)));
        create(said, client, "empty range", "unmade", SCHEMA, byRange().addRangePartition(at(5), at(5)));
        create(
                said,
                client,
                "ranges that overlap",
                "unmade",
                SCHEMA,
                byRange().addRangePartition(at(0), at(10)).addRangePartition(at(5), at(15)));
        create(
                said,
                client,
                "the same split twice",
                "unmade",
                SCHEMA,
                byRange().addSplitRow(at(5)).addSplitRow(at(5)));
        create(
                said,
                client,
                "split outside of ranges",
                "unmade",
                SCHEMA,
                byRange().addRangePartition(at(0), at(10)).addSplitRow(at(15)));
    }

    private static void columns(Said said, KuduClient client) throws Exception {
        create(said, client, "no partitions named", "unmade", SCHEMA, new CreateTableOptions());
        create(said, client, "many columns", "unmade", with(many(300)), plain());
        said.tryTo(
                "two columns of one name",
                () -> client.createTable("unmade", with(column("v", Type.INT8), column("v", Type.INT16)), plain()));
        create(said, client, "long column name", "unmade", with(column("z".repeat(257), Type.INT8)), plain());
        create(said, client, "column without a name", "unmade", with(column("", Type.INT8)), plain());
        create(said, client, "runs of doubles", "unmade", with(encoded("v", Type.DOUBLE, Encoding.RLE)), plain());
        create(
                said,
                client,
                "shuffled bits of texts",
                "unmade",
                with(encoded("v", Type.STRING, Encoding.BIT_SHUFFLE)),
                plain());
        create(
                said,
                client,
                "dictionary of numbers",
                "unmade",
                with(encoded("v", Type.INT32, Encoding.DICT_ENCODING)),
                plain());
        for (Type type : List.of(Type.BOOL, Type.FLOAT, Type.DOUBLE)) {
            create(
                    said,
                    client,
                    "key of " + type,
                    "unmade",
                    new Schema(
                            List.of(new ColumnSchemaBuilder("k", type).key(true).build())),
                    plain());
        }
    }

    private static ColumnSchema column(String name, Type type) {
        return new ColumnSchemaBuilder(name, type).build();
    }

    private static ColumnSchema encoded(String name, Type type, Encoding encoding) {
        return new ColumnSchemaBuilder(name, type).encoding(encoding).build();
    }

    private static ColumnSchema[] many(int count) {
        ColumnSchema[] columns = new ColumnSchema[count];
        for (int i = 0; i < count; i++) {
            columns[i] = column("c" + i, Type.INT8);
        }
        return columns;
    }

    private static void create(
            Said said, KuduClient client, String what, String name, Schema schema, CreateTableOptions options)
            throws Exception {
        said.tryTo(what, () -> client.createTable(name, schema, options));
    }

    @Test
    void changesThatCannotBeMade(Both both) throws Exception {
        both.tellByCode(CHANGES, client -> {
            Said said = new Said();
            client.createTable("other", SCHEMA, plain());
            client.createTable("changed", SCHEMA, byRange().addRangePartition(at(0), at(10)));
            additions(said, client);
            columnChanges(said, client);
            ranges(said, client);
            said.tryTo(
                    "a table that is missing",
                    () -> client.alterTable("missing", new AlterTableOptions().setComment("c")));
            said.tryTo(
                    "range of a table without ranges",
                    () -> client.alterTable("other", new AlterTableOptions().addRangePartition(at(0), at(10))));
            said.ask("what it is", () -> Describe.table(client.openTable("changed")));
            return said.toString();
        });
    }

    private static void additions(Said said, KuduClient client) throws Exception {
        alter(said, client, "nothing", new AlterTableOptions());
        alter(said, client, "name that is taken", new AlterTableOptions().renameTable("other"));
        alter(said, client, "no name", new AlterTableOptions().renameTable(""));
        alter(said, client, "long name", new AlterTableOptions().renameTable("n".repeat(257)));
        alter(said, client, "long owner", new AlterTableOptions().setOwner("o".repeat(129)));
        alter(said, client, "long comment", new AlterTableOptions().setComment("z".repeat(257)));
        alter(said, client, "unknown setting", new AlterTableOptions().alterExtraConfigs(Map.of("none", "1")));
        alter(said, client, "add a column that is there", new AlterTableOptions().addNullableColumn("v", Type.INT8));
        alter(
                said,
                client,
                "add a column with a long name",
                new AlterTableOptions().addNullableColumn("z".repeat(257), Type.INT8));
        said.tryTo(
                "add a column that needs a value",
                () -> client.alterTable("changed", new AlterTableOptions().addColumn(column("w", Type.INT8))));
        ColumnSchema key = new ColumnSchemaBuilder("w", Type.INT8)
                .key(true)
                .defaultValue((byte) 1)
                .build();
        said.tryTo(
                "add a column of the key", () -> client.alterTable("changed", new AlterTableOptions().addColumn(key)));
    }

    private static void columnChanges(Said said, KuduClient client) throws Exception {
        alter(said, client, "drop a column that is missing", new AlterTableOptions().dropColumn("x"));
        alter(said, client, "drop a column of the key", new AlterTableOptions().dropColumn("k"));
        alter(said, client, "rename a column that is missing", new AlterTableOptions().renameColumn("x", "y"));
        alter(said, client, "rename a column to one that is there", new AlterTableOptions().renameColumn("v", "k"));
        alter(said, client, "default of a column that is missing", new AlterTableOptions().changeDefault("x", 1));
        alter(said, client, "no default of a column that is missing", new AlterTableOptions().removeDefault("x"));
        alter(said, client, "default of a column of the key", new AlterTableOptions().changeDefault("k", 1));
        alter(said, client, "default of another size", new AlterTableOptions().changeDefault("l", 1L));
        alter(said, client, "comment of a column that is missing", new AlterTableOptions().changeComment("x", "c"));
        alter(said, client, "long comment of a column", new AlterTableOptions().changeComment("v", "z".repeat(257)));
        alter(
                said,
                client,
                "encoding of a column that is missing",
                new AlterTableOptions().changeEncoding("x", Encoding.RLE));
        alter(
                said,
                client,
                "encoding that the type has not",
                new AlterTableOptions().changeEncoding("v", Encoding.RLE));
    }

    private static void ranges(Said said, KuduClient client) throws Exception {
        alter(said, client, "drop a range that is missing", new AlterTableOptions().dropRangePartition(at(10), at(20)));
        alter(said, client, "drop a part of a range", new AlterTableOptions().dropRangePartition(at(0), at(5)));
        alter(said, client, "add a range that is there", new AlterTableOptions().addRangePartition(at(0), at(10)));
        alter(said, client, "add a range that overlaps", new AlterTableOptions().addRangePartition(at(5), at(15)));
        alter(said, client, "add a range backwards", new AlterTableOptions().addRangePartition(at(30), at(20)));
        alter(
                said,
                client,
                "one step that cannot be after one that can",
                new AlterTableOptions().addNullableColumn("w", Type.INT8).dropColumn("x"));
    }

    private static void alter(Said said, KuduClient client, String what, AlterTableOptions options) throws Exception {
        said.tryTo(what, () -> client.alterTable("changed", options));
    }
}
