package io.nyala.record;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.hexdump.HexDump;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.Effect;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowLayout;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Script;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a tablet's log record has the bytes that its format promises, and none is read beyond its end.
 * Method: golden script; headers that say more or less than there is.
 */
final class TabletRecordFormatTest {
    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 32 << 20);
    private final MemoryAccount account = budget.account("test", 0);

    @AfterEach
    void nothingIsLeft() {
        account.close();
        budget.close();
    }

    @Test
    void writesTheBytesOfTheScript() {
        Script.check("record/tablet-record", this::run);
    }

    private String run(String command) {
        String[] lines = command.split("\n", -1);
        return command.startsWith("answers") ? answers(lines) : batch(lines);
    }

    /**
     * {@code record|unnamed TABLET TIMESTAMP}, then a line for each {@code KIND KEY TEXT} or {@code error INDEX CODE}.
     */
    private String batch(String[] lines) {
        try (var record = new TestRecord(account)) {
            record.clear();
            record.name = lines[0].startsWith("unnamed") ? null : record.name;
            for (int i = 1; i < lines.length; i++) {
                String[] words = (lines[i] + " ").split(" ", -1);
                if (words[0].equals("error")) {
                    record.error(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
                } else {
                    record.add(kind(words[0]), Integer.parseInt(words[1]), words[2]);
                }
            }
            String[] words = lines[0].split(" ", -1);
            int bytes = record.end(Long.parseLong(words[1]), Long.parseLong(words[2]));
            return dump(record.memory.asSlice(record.record, bytes).toArray(JAVA_BYTE));
        }
    }

    /**
     * {@code answers TABLET TIMESTAMP BYTES}, then a line for each {@code CLIENT SEQUENCE FIRST TIME INDEX:CODE ...}.
     */
    private static String answers(String[] lines) {
        var text = new StringBuilder();
        writeAnswers(lines, record -> text.append(dump(record)));
        return text.toString();
    }

    private static void writeAnswers(String[] lines, Consumer<byte[]> target) {
        var results = new RequestResults(AnswerRoom.unlimited());
        for (int i = 1; i < lines.length; i++) {
            String[] words = lines[i].split(" ", -1);
            var name = new RequestName(Long.parseLong(words[0]), 1, Long.parseLong(words[1]), Long.parseLong(words[2]));
            List<Integer> indexes = new ArrayList<>();
            List<Integer> codes = new ArrayList<>();
            for (int k = 4; k < words.length; k++) {
                String[] error = words[k].split(":", -1);
                indexes.add(Integer.parseInt(error[0]));
                codes.add(Integer.parseInt(error[1]));
            }
            results.add(name, Long.parseLong(words[3]), i, new Refused(indexes, codes));
        }
        String[] words = lines[0].split(" ", -1);
        var writer = new AnswersWriter(results, Long.parseLong(words[1]), 1 << 20);
        while (!writer.isDone()) {
            byte[] room = new byte[writer.nextBytesMax(Integer.parseInt(words[3]))];
            int bytes = writer.writeNext(MemorySegment.ofArray(room), 0, room.length, 2, Long.parseLong(words[2]));
            target.accept(Arrays.copyOf(room, bytes));
        }
    }

    private static String dump(byte[] record) {
        MemorySegment copy = MemorySegment.ofArray(record);
        RowLayout layout = new RowLayout(TestRecord.SCHEMA);
        return HexDump.text(copy, notes -> TabletRecordFormat.annotate(layout, copy, 0, record.length, notes));
    }

    private static int kind(String name) {
        return switch (name) {
            case "insert" -> Effect.INSERT;
            case "update" -> Effect.UPDATE;
            case "delete" -> Effect.DELETE;
            case "reinsert" -> Effect.REINSERT;
            default -> throw new IllegalArgumentException(name);
        };
    }

    @Test
    void aHeaderThatDoesNotFitItsRecordIsRefused() {
        try (var record = new TestRecord(account)) {
            record.clear();
            record.add(Effect.INSERT, 1, "one");
            record.error(7, 2);
            int bytes = record.end(4, 1000);
            refuse(record, 39, "40", "39");
            refuse(record, bytes - 1, Integer.toString(bytes - 1), Integer.toString(bytes));
            assertEquals(
                    1,
                    TabletRecordFormat.readHeader(record.memory, record.record, bytes)
                            .errorCount());
            for (int field = 24; field < 40; field += 4) { // Counts and bytes of what follows.
                int right = record.memory.get(JAVA_INT_UNALIGNED, record.record + field);
                record.memory.set(JAVA_INT_UNALIGNED, record.record + field, right + 100);
                refuse(record, bytes, "record");
                record.memory.set(JAVA_INT_UNALIGNED, record.record + field, -1);
                refuse(record, bytes, "record");
                record.memory.set(JAVA_INT_UNALIGNED, record.record + field, right);
            }
        }
    }

    @Test
    void errorsThatNobodyCouldAskForAreRefused() {
        try (var record = new TestRecord(account)) {
            record.clear();
            record.name = null;
            record.add(Effect.INSERT, 1, "one");
            record.error(7, 2);
            refuse(record, record.end(4, 1000), "without a name", "1 errors");
        }
    }

    @Test
    void countsStandBehindErrorsInTheirOrderInRecordsOfTheVersionForThem() {
        try (var record = new TestRecord(account)) {
            int operations = AnswerCount.OPERATIONS.code();
            int inserts = AnswerCount.INSERTS_IGNORED.code();
            int bytes = record(record, 7, 2, 30, operations, 2, inserts);
            RequestErrors errors = TabletRecordFormat.readErrors(
                    record.memory, record.record, TabletRecordFormat.readHeader(record.memory, record.record, bytes));
            assertEquals(new Refused(List.of(7, 30, 2), List.of(2, operations, inserts)), Refused.of(errors));
            LittleEndian.setShort(record.memory, record.record + 2, TabletRecordFormat.VERSION);
            refuse(record, bytes, "error " + operations, "of operation 30");
            refuse(record, record(record, 30, operations, 7, 2, 2, inserts), "error 2", "operation 7");
            refuse(record, record(record, 2, inserts, 30, operations), "error " + operations, "of operation 30");
            refuse(record, record(record, 2, inserts, 2, inserts), "error " + inserts);
            refuse(record, record(record, 0, inserts), "error " + inserts, "of operation 0");
            refuse(record, record(record, 1, AnswerCount.values().length + operations), "error 262");
        }
    }

    /** A record of these errors: index, code, and so on; answers its bytes. */
    private static int record(TestRecord record, int... errors) {
        record.clear();
        for (int i = 0; i < errors.length; i += 2) {
            record.error(errors[i], errors[i + 1]);
        }
        return record.end(4, 1000);
    }

    @Test
    void recordsOfOtherVersionsAndKindsAreRefusedByName() {
        MemorySegment record = MemorySegment.ofArray(new byte[64]);
        LittleEndian.setLong(record, 0, 1234); // As the first version began: with the id of the tablet.
        refuseKind(record, 64, "version 0", "reads 2 and 3");
        LittleEndian.setInt(record, 0, (TabletRecordFormat.VERSION_WITH_COUNTS + 1) << 16 | 1);
        refuseKind(record, 64, "version 4", "reads 2 and 3");
        LittleEndian.setInt(record, 0, TabletRecordFormat.VERSION << 16 | 3);
        refuseKind(record, 64, "kind 3", "1 and 2");
        refuseKind(record, 23, "24", "23");
    }

    private static void refuseKind(MemorySegment record, int bytes, String... parts) {
        Failure.expect(IllegalArgumentException.class, () -> TabletRecordFormat.kind(record, 0, bytes), parts);
    }

    /** The log's checksum would keep them from ever arriving. */
    @RepeatedTest(20)
    void changedBytesOfAnswersAreRefusedInWordsOrMakeOtherGoodAnswers(@Seed SplittableRandom random) {
        List<byte[]> records = new ArrayList<>();
        String[] lines = {"answers 4 9 1000", "1 5 3 77 2:1 4:2", "1 6 3 78 9:257", "2 0 0 80 1:1"};
        writeAnswers(lines, records::add);
        byte[] good = records.getFirst();
        int refused = 0;
        for (int i = 0; i < 300; i++) {
            byte[] changed = good.clone();
            for (int changes = random.nextInt(1, 4); changes > 0; changes--) {
                changed[random.nextInt(changed.length)] ^= (byte) (1 << random.nextInt(8));
            }
            int said = random.nextInt(8) == 0 ? random.nextInt(good.length) : good.length;
            try {
                MemorySegment record = MemorySegment.ofArray(changed);
                if (TabletRecordFormat.kind(record, 0, said) == TabletRecordFormat.ANSWERS) {
                    AnswersFormat.read(record, 0, said, 1, new RequestResults(AnswerRoom.unlimited()));
                }
            } catch (IllegalArgumentException e) {
                refused++;
                assertTrue(String.valueOf(e.getMessage()).contains("record"), e.getMessage());
            }
        }
        assertTrue(refused > 100, refused + " were refused");
    }

    private static void refuse(TestRecord record, int bytes, String... parts) {
        Failure.expect(
                IllegalArgumentException.class,
                () -> TabletRecordFormat.readHeader(record.memory, record.record, bytes),
                parts);
    }
}
