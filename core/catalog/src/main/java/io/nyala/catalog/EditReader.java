package io.nyala.catalog;

import io.nyala.memory.Notes;
import io.nyala.partition.Partition;
import io.nyala.partition.PartitionFormat;
import io.nyala.partition.PartitionSchema;
import io.nyala.partition.PartitionSchemaFormat;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rows.Schema;
import io.nyala.rows.SchemaFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Takes the fields of an edit one after the other, never beyond its end, and explains them to {@link Notes} if there
 * are any: so what is read and what is explained cannot differ. One thread; owns nothing.
 */
final class EditReader {
    private final MemorySegment memory;
    private final long start;
    private final long end;
    private final @Nullable Notes notes;
    private long at;

    EditReader(MemorySegment memory, long start, int bytes, @Nullable Notes notes) {
        this.memory = memory;
        this.start = start;
        this.end = start + bytes;
        this.notes = notes;
        this.at = start;
    }

    int takeInt(String name) {
        return takeInt(name, Long::toString);
    }

    int takeInt(String name, LongFunction<String> text) {
        long field = take(name, Integer.BYTES);
        int value = LittleEndian.getInt(memory, field);
        note(field, Integer.BYTES, name + ": " + text.apply(value));
        return value;
    }

    long takeLong(String name) {
        return takeLong(name, Long::toString);
    }

    long takeLong(String name, LongFunction<String> text) {
        long field = take(name, Long.BYTES);
        long value = LittleEndian.getLong(memory, field);
        note(field, Long.BYTES, name + ": " + text.apply(value));
        return value;
    }

    /** How many of something follow, each of at least so many bytes. */
    int takeCount(String name, int eachBytesMin) {
        int count = takeInt(name);
        int zero = takeInt("zero");
        if (zero != 0) {
            throw malformed("padding behind the number of " + name + " is " + zero);
        }
        if (count < 0 || (long) count * eachBytesMin > end - at) {
            throw malformed(count + " " + name + " in the " + (end - at) + " bytes that are left");
        }
        return count;
    }

    /** A length, and so many bytes of UTF-8. */
    String takeText(String name) {
        int count = takeInt(name + " bytes");
        byte[] bytes = takeBytes(name, count, null);
        String text = new String(bytes, StandardCharsets.UTF_8);
        note(at - count, count, name + ": " + text);
        return text;
    }

    byte[] takeBytes(String name, int count) {
        return takeBytes(name, count, name);
    }

    private byte[] takeBytes(String name, int count, @Nullable String text) {
        long field = take(name, count);
        if (text != null) {
            note(field, count, text);
        }
        return memory.asSlice(field, count).toArray(ValueLayout.JAVA_BYTE);
    }

    /** A schema, which says itself how long it is. */
    Schema takeSchema() {
        int bytes = SchemaFormat.bytes(rest(), 0);
        long field = take("schema", bytes);
        if (notes != null) {
            SchemaFormat.annotate(memory, field, notes);
        }
        return SchemaFormat.fromBytes(memory.asSlice(field, bytes), 0);
    }

    /** How a table of that schema is partitioned. */
    PartitionSchema takePartitioning(Schema schema) {
        int bytes = takeInt("partitioning bytes");
        long field = take("partitioning", bytes);
        PartitionSchema partitioning = PartitionSchemaFormat.fromBytes(memory, field, bytes, schema);
        if (notes != null) {
            PartitionSchemaFormat.annotate(memory, field, bytes, schema, notes);
        }
        return partitioning;
    }

    /** A partition of some table. */
    Partition takePartition() {
        int bytes = takeInt("partition bytes");
        long field = take("partition", bytes);
        Partition partition = PartitionFormat.fromBytes(memory, field, bytes);
        if (notes != null) {
            PartitionFormat.annotate(memory, field, bytes, notes);
        }
        return partition;
    }

    /** What a constructor makes of fields, which may refuse them. */
    <T> T checked(Supplier<T> made) {
        try {
            return made.get();
        } catch (IllegalArgumentException e) {
            throw malformed(String.valueOf(e.getMessage()));
        }
    }

    private long take(String name, int bytes) {
        if (bytes < 0 || bytes > end - at) {
            throw malformed(name + " is cut short: " + (end - at) + " of " + bytes + " bytes");
        }
        long field = at;
        at += bytes;
        return field;
    }

    /** What is not taken yet, and nothing behind it. */
    private MemorySegment rest() {
        return memory.asSlice(at, end - at);
    }

    void section(String title) {
        if (notes != null) {
            notes.section(title);
        }
    }

    void endSection() {
        if (notes != null) {
            notes.endSection();
        }
    }

    void end() {
        if (at != end) {
            throw malformed((end - at) + " bytes follow the last field");
        }
    }

    MalformedBytesException malformed(String what) {
        return new MalformedBytesException("an edit of the storage log: " + what, at - start);
    }

    private void note(long field, int bytes, String text) {
        if (notes != null && bytes > 0) {
            notes.note(field, bytes, text);
        }
    }
}
