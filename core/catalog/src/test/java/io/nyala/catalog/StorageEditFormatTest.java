package io.nyala.catalog;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.catalog.StorageEdit.Checkpoint.Mark;
import io.nyala.hexdump.HexDump;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rows.Schema;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.RowSetEntry;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Script;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: an edit of the storage log is read back as it was written, in the bytes that its format promises, and what is
 * none is refused.
 * Method: golden script; random edits; edits with changed bytes, which the log's checksum would never let pass.
 */
final class StorageEditFormatTest {
    private static final Schema KEY_ONLY = Schema.of(Column.key("k", ColumnType.INT32));

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
            case "ids" -> new StorageEdit.AllocateIds(first);
            case "lease" -> new StorageEdit.ClockLease(first);
            case "log" -> new StorageEdit.LogStarted(first);
            case "checkpoint" -> new StorageEdit.Checkpoint(mark(first));
            case "create" -> new StorageEdit.CreateTable(first, description(words), places(words[5]));
            case "alter" ->
                new StorageEdit.AlterTable(
                        first,
                        description(words),
                        places(words[5]),
                        split(words[6]).map(Long::valueOf).toList());
            case "drop" ->
                new StorageEdit.DropTable(
                        first, new TableEntry.Drop(Long.parseLong(words[2]), Long.parseLong(words[3])));
            case "recall" -> new StorageEdit.RecallTable(first, words[2]);
            case "purge" -> new StorageEdit.PurgeTable(first);
            case "flushed" ->
                new StorageEdit.Flushed(
                        first,
                        Arrays.stream(words)
                                .skip(3)
                                .map(StorageEditFormatTest::rowSet)
                                .toList(),
                        Long.parseLong(words[2]));
            case "deltas" ->
                new StorageEdit.DeltasFlushed(
                        first, Long.parseLong(words[2]), List.of(delta(words[4])), Long.parseLong(words[3]));
            case "replaced" ->
                new StorageEdit.DeltasReplaced(
                        first,
                        Long.parseLong(words[2]),
                        split(words[3]).map(Long::valueOf).toList(),
                        List.of(delta(words[4])));
            case "merged" ->
                new StorageEdit.Merged(
                        first,
                        split(words[4]).map(Long::valueOf).toList(),
                        Arrays.stream(words)
                                .skip(5)
                                .map(StorageEditFormatTest::rowSet)
                                .toList(),
                        Long.parseLong(words[2]),
                        Long.parseLong(words[3]));
            default -> throw new IllegalArgumentException(words[0]);
        };
    }

    private static TableDescription description(String[] words) {
        PartitionSchema.Builder partitioning = PartitionSchema.of(KEY_ONLY);
        if (!words[5].equals("one")) {
            partitioning.hash(2, "k").range("k");
        }
        SortedMap<String, String> settings = new TreeMap<>();
        for (String setting : words[words.length - 1].split(";", -1)) { // name=value;name=value
            int equals = setting.indexOf('=');
            if (equals > 0) {
                settings.put(setting.substring(0, equals), setting.substring(equals + 1));
            }
        }
        SortedMap<String, Long> snapshots = new TreeMap<>();
        for (String snapshot : words[words.length - 1].split(";", -1)) { // name@time
            int at = snapshot.indexOf('@');
            if (at > 0) {
                snapshots.put(snapshot.substring(0, at), Long.valueOf(snapshot.substring(at + 1)));
            }
        }
        return new TableDescription(words[2], words[3], words[4], 604_800, KEY_ONLY, partitioning.build())
                .withSettings(settings)
                .withSnapshots(snapshots);
    }

    /** {@code id/bucket/range}, or {@code one}. */
    private static List<TabletPlace> places(String word) {
        if (word.equals("one")) {
            return List.of(EditDriver.onlyPlace(2));
        }
        return split(word)
                .map(place -> place.split("/", -1))
                .map(parts -> EditDriver.place(
                        Long.parseLong(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2])))
                .toList();
    }

    private static Stream<String> split(String word) {
        return word.equals("none") ? Stream.of() : Arrays.stream(word.split(",", -1));
    }

    private static RowSetEntry rowSet(String word) {
        String[] parts = word.split(",", -1);
        return new RowSetEntry(
                Long.parseLong(parts[0]),
                Long.parseLong(parts[1]),
                Long.parseLong(parts[2]),
                HexFormat.of().parseHex(parts[4]),
                HexFormat.of().parseHex(parts[5]),
                Long.parseLong(parts[3]),
                parts.length > 6 ? List.of(delta(parts[6])) : List.of());
    }

    private static DeltaFileEntry delta(String word) {
        String[] parts = word.split("/", -1);
        return new DeltaFileEntry(
                Long.parseLong(parts[0]), Long.parseLong(parts[1]), Long.parseLong(parts[2]), Long.parseLong(parts[3]));
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

    @RepeatedTest(10)
    void readsBackWhatWasWritten(@Seed SplittableRandom random) {
        var driver = new EditDriver(random);
        for (int i = 0; i < 40; i++) {
            StorageEdit edit = driver.next();
            MemorySegment bytes = bytes(edit);
            assertEquals(edit, StorageEditFormat.read(bytes, 0, (int) bytes.byteSize()));
            changeBytes(random, bytes, edit);
        }
    }

    private static void changeBytes(SplittableRandom random, MemorySegment bytes, StorageEdit edit) {
        for (int i = 0; i < 200; i++) {
            MemorySegment changed = MemorySegment.ofArray(bytes.toArray(JAVA_BYTE));
            long at = random.nextLong(changed.byteSize());
            changed.set(JAVA_BYTE, at, (byte) random.nextInt());
            int said = random.nextInt(4) == 0 ? random.nextInt((int) bytes.byteSize() + 1) : (int) bytes.byteSize();
            try {
                StorageEdit other = StorageEditFormat.read(changed, 0, said);
                assertEquals(said, StorageEditFormat.bytes(other));
                assertEquals(
                        -1,
                        changed.asSlice(0, said).mismatch(bytes(other)),
                        "byte " + at + " does not matter in " + edit);
            } catch (MalformedBytesException e) {
                assertTrue(e.offset() >= 0 && e.offset() <= bytes.byteSize(), "beyond the edit: " + e);
            }
        }
    }

    @Test
    void anEditOfAnotherVersionIsRefusedByBothVersions() {
        MemorySegment bytes = bytes(new StorageEdit.Identity(1));
        bytes.set(JAVA_BYTE, 4, (byte) 9);
        Failure.expect(
                MalformedBytesException.class,
                () -> StorageEditFormat.read(bytes, 0, (int) bytes.byteSize()),
                "format version 9",
                "reads versions 4 to 8");
    }

    @Test
    void anEditOfAKindToComeIsRefused() {
        MemorySegment bytes = bytes(new StorageEdit.Identity(1));
        bytes.set(JAVA_BYTE, 0, (byte) 99);
        Failure.expect(
                MalformedBytesException.class,
                () -> StorageEditFormat.read(bytes, 0, (int) bytes.byteSize()),
                "kind 99",
                "a newer version wrote it");
    }
}
