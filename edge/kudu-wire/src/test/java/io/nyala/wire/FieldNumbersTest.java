package io.nyala.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import io.nyala.protocol.consensus.Consensus;
import io.nyala.protocol.master.Master;
import io.nyala.protocol.rpc.RpcHeader;
import io.nyala.protocol.server.ServerBase;
import io.nyala.protocol.tserver.TserverAdmin;
import io.nyala.protocol.tserver.TserverService;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Goal: messages have the numbers, labels and types of Kudu 1.18.1 on the wire, also after the published definitions
 * were exchanged for newer ones, since parts are read by hand. Method: a list of all of them, taken from that release,
 * against the generated classes, file by file and in both directions.
 */
final class FieldNumbersTest {
    private static final String LIST = "/wire/field-numbers.txt";

    /** Needed by messages that no client sends: options of the generator, and what servers tell of themselves. */
    private static final Set<String> UNLISTED =
            Set.of("kudu/util/pb_util.proto", "kudu/util/mem_tracker.proto", "kudu/fs/fs.proto");

    private static final List<FileDescriptor> SERVED = List.of(
            RpcHeader.getDescriptor(),
            Master.getDescriptor(),
            TserverService.getDescriptor(),
            TserverAdmin.getDescriptor(),
            ServerBase.getDescriptor(),
            Consensus.getDescriptor());

    @TestFactory
    List<DynamicTest> eachFileIsThatOfTheRelease() throws IOException {
        Map<String, Set<String>> listed = listed();
        Map<String, FileDescriptor> generated = new TreeMap<>();
        SERVED.forEach(file -> add(file, generated));
        assertEquals(listed.keySet(), generated.keySet());
        return generated.values().stream()
                .map(file -> DynamicTest.dynamicTest(
                        file.getName(),
                        () -> assertEquals(
                                String.join("\n", Objects.requireNonNull(listed.get(file.getName()))),
                                String.join("\n", lines(file)))))
                .toList();
    }

    /** Lines by file. */
    private static Map<String, Set<String>> listed() throws IOException {
        Map<String, Set<String>> listed = new TreeMap<>();
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(FieldNumbersTest.class.getResourceAsStream(LIST), LIST),
                StandardCharsets.UTF_8))) {
            Set<String> lines = new TreeSet<>();
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                if (line.startsWith("# ")) {
                    lines = new TreeSet<>();
                    listed.put(line.substring(2), lines);
                } else {
                    assertTrue(lines.add(line), line);
                }
            }
        }
        return listed;
    }

    private static void add(FileDescriptor file, Map<String, FileDescriptor> target) {
        if (file.getName().startsWith("kudu/") && !UNLISTED.contains(file.getName())) {
            target.put(file.getName(), file);
            file.getDependencies().forEach(each -> add(each, target));
        }
    }

    private static Set<String> lines(FileDescriptor file) {
        Set<String> lines = new TreeSet<>();
        file.getEnumTypes().forEach(type -> addValues(type, lines));
        file.getMessageTypes().forEach(type -> addFields(type, lines));
        return lines;
    }

    private static void addValues(EnumDescriptor type, Set<String> target) {
        type.getValues()
                .forEach(value -> target.add(type.getFullName() + " " + value.getName() + " " + value.getNumber()));
    }

    private static void addFields(Descriptor type, Set<String> target) {
        for (FieldDescriptor field : type.getFields()) {
            String label = field.isRepeated() ? "repeated" : field.isRequired() ? "required" : "optional";
            target.add(String.join(
                    " ",
                    type.getFullName(),
                    field.getName(),
                    String.valueOf(field.getNumber()),
                    label,
                    field.isMapField() ? map(field.getMessageType()) : typeName(field)));
        }
        type.getEnumTypes().forEach(each -> addValues(each, target));
        type.getNestedTypes().stream()
                .filter(each -> !each.getOptions().getMapEntry())
                .forEach(each -> addFields(each, target));
    }

    private static String map(Descriptor entry) {
        return "map<" + typeName(entry.findFieldByNumber(1)) + "," + typeName(entry.findFieldByNumber(2)) + ">";
    }

    private static String typeName(FieldDescriptor field) {
        return switch (field.getType()) {
            case STRING -> "str";
            case INT32 -> "i32";
            case INT64 -> "i64";
            case UINT32 -> "u32";
            case UINT64 -> "u64";
            case ENUM -> field.getEnumType().getName();
            case MESSAGE -> field.getMessageType().getName();
            default -> field.getType().name().toLowerCase(Locale.ROOT);
        };
    }
}
