package io.nyala.catalog;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.catalog.StorageEdit.Checkpoint.Mark;
import io.nyala.hexdump.HexDump;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rows.Schema;
import io.nyala.tablet.RowSetEntry;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Script;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: an edit of the storage log is read back as it was written, in the bytes that its format promises, and what is
 * none is refused.
 * Method: golden script; random edits; edits with changed bytes, which the log's checksum would never let pass.
 */
final class StorageEditFormatTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("a", ColumnType.INT32),
            Column.key("b", ColumnType.STRING),
            Column.of("text", ColumnType.STRING).nullable());

    @Test
    void writesTheBytesOfTheScript() {
        Script.check("catalog/storage-edit", command -> {
            MemorySegment bytes = bytes(parse(command.split(" ", -1)));
            return HexDump.text(bytes, notes -> StorageEditFormat.annotate(bytes, 0, (int) bytes.byteSize(), notes));
        });
    }

    private static StorageEdit parse(String[] words) {
        long first = Long.parseLong(words[1]);
        return switch (words[0]) {
            case "identity" -> new StorageEdit.Identity(first);
            case "allocate" -> new StorageEdit.AllocateFiles(first);
            case "lease" -> new StorageEdit.ClockLease(first);
            case "log" -> new StorageEdit.LogStarted(first);
            case "checkpoint" -> new StorageEdit.Checkpoint(mark(first));
            case "create" ->
                new StorageEdit.CreateTable(
                        first, words[3], Schema.of(Column.key("k", ColumnType.INT32)), Long.parseLong(words[2]));
            case "flushed" ->
                new StorageEdit.Flushed(
                        first,
                        Arrays.stream(words)
                                .skip(3)
                                .map(word -> word.split(",", -1))
                                .map(parts -> new RowSetEntry(
                                        Long.parseLong(parts[0]),
                                        Long.parseLong(parts[1]),
                                        Long.parseLong(parts[2]),
                                        HexFormat.of().parseHex(parts[3]),
                                        HexFormat.of().parseHex(parts[4])))
                                .toList(),
                        Long.parseLong(words[2]));
            default -> throw new IllegalArgumentException(words[0]);
        };
    }

    private static Mark mark(long code) {
        return Arrays.stream(Mark.values())
                .filter(mark -> mark.code() == code)
                .findFirst()
                .orElseThrow();
    }

    private static MemorySegment bytes(StorageEdit edit) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[StorageEditFormat.bytes(edit)]);
        StorageEditFormat.write(edit, bytes, 0);
        return bytes;
    }

    @RepeatedTest(20)
    void readsBackWhatWasWritten(@Seed SplittableRandom random) {
        StorageEdit edit = draw(random);
        MemorySegment bytes = bytes(edit);
        assertEquals(edit, StorageEditFormat.read(bytes, 0, (int) bytes.byteSize()));
        for (int i = 0; i < 500; i++) {
            MemorySegment changed = MemorySegment.ofArray(bytes.toArray(JAVA_BYTE));
            long at = random.nextLong(changed.byteSize());
            changed.set(JAVA_BYTE, at, (byte) random.nextInt());
            int said = random.nextInt(4) == 0 ? random.nextInt((int) bytes.byteSize() + 1) : (int) bytes.byteSize();
            try {
                StorageEdit other = StorageEditFormat.read(changed, 0, said);
                assertEquals(said, StorageEditFormat.bytes(other));
                assertEquals(-1, changed.mismatch(bytes(other)), "byte " + at + " does not matter in " + edit);
            } catch (IllegalArgumentException | IllegalStateException | MalformedBytesException _) {
                // Refused in words.
            }
        }
    }

    private static StorageEdit draw(SplittableRandom random) {
        long number = random.nextLong();
        return switch (random.nextInt(7)) {
            case 0 -> new StorageEdit.Identity(number);
            case 1 -> new StorageEdit.AllocateFiles(number);
            case 2 -> new StorageEdit.ClockLease(number);
            case 3 -> new StorageEdit.LogStarted(number);
            case 4 -> new StorageEdit.Checkpoint(mark(random.nextInt(2)));
            case 5 -> new StorageEdit.CreateTable(number, "täble", SCHEMA, number + 1);
            default -> {
                List<RowSetEntry> added = new ArrayList<>();
                for (int i = random.nextInt(5); i > 0; i--) {
                    added.add(new RowSetEntry(
                            random.nextLong(), random.nextLong(), random.nextLong(), key(random), key(random)));
                }
                yield new StorageEdit.Flushed(number, added, random.nextLong());
            }
        };
    }

    private static byte[] key(SplittableRandom random) {
        byte[] key = new byte[random.nextInt(10) == 0 ? Limits.KEY_BYTES_MAX : random.nextInt(20)];
        random.nextBytes(key);
        return key;
    }

    @Test
    void anotherVersionIsRefusedNamingBoth() {
        MemorySegment bytes = bytes(new StorageEdit.Identity(1));
        bytes.set(JAVA_BYTE, 4, (byte) 3);
        Failure.expect(
                IllegalArgumentException.class,
                () -> StorageEditFormat.read(bytes, 0, (int) bytes.byteSize()),
                "format version 3",
                "reads version 2");
        bytes.set(JAVA_BYTE, 4, (byte) 0);
        Failure.expect(
                IllegalArgumentException.class,
                () -> StorageEditFormat.read(bytes, 0, (int) bytes.byteSize()),
                "format version 1",
                "use the release that wrote it");
    }
}
