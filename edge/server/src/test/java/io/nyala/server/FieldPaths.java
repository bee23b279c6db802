package io.nyala.server;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Message;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Fields of a message and of those within it, by paths like {@code schema.columns.name}, and other values for them. */
final class FieldPaths {
    /** Of a repeated message; a sample needs no more. */
    private static final int ELEMENTS_MAX = 8;

    private FieldPaths() {}

    /** All fields that hold no other ones. */
    static Set<String> leaves(Descriptor type) {
        Set<String> paths = new LinkedHashSet<>();
        for (FieldDescriptor field : type.getFields()) {
            if (isLeaf(field)) {
                paths.add(field.getName());
            } else {
                leaves(field.getMessageType()).forEach(path -> paths.add(field.getName() + "." + path));
            }
        }
        return paths;
    }

    private static boolean isLeaf(FieldDescriptor field) {
        return field.getJavaType() != JavaType.MESSAGE
                || field.getMessageType().getFields().isEmpty();
    }

    /** Whether the message in which the field lies is there. */
    static boolean hasParent(Message message, String path) {
        int dot = path.indexOf('.');
        return dot < 0
                || children(message, path.substring(0, dot)).stream()
                        .anyMatch(child -> hasParent(child, path.substring(dot + 1)));
    }

    /** Whether a field, or anything in it, is there. */
    static boolean has(Message message, String path) {
        int dot = path.indexOf('.');
        if (dot < 0) {
            FieldDescriptor field = field(message, path);
            return field.isRepeated() ? message.getRepeatedFieldCount(field) > 0 : message.hasField(field);
        }
        return children(message, path.substring(0, dot)).stream()
                .anyMatch(child -> has(child, path.substring(dot + 1)));
    }

    private static FieldDescriptor field(Message message, String name) {
        FieldDescriptor field = message.getDescriptorForType().findFieldByName(name);
        if (field == null) {
            throw new AssertionError(message.getDescriptorForType().getFullName() + " has no field " + name);
        }
        return field;
    }

    private static List<Message> children(Message message, String name) {
        FieldDescriptor field = field(message, name);
        List<Message> children = new ArrayList<>();
        if (field.isRepeated()) {
            for (int i = 0; i < Math.min(ELEMENTS_MAX, message.getRepeatedFieldCount(field)); i++) {
                children.add((Message) message.getRepeatedField(field, i));
            }
        } else if (message.hasField(field)) {
            children.add((Message) message.getField(field));
        }
        return children;
    }

    /** The message once for each other value of the field, wherever the message in which it lies is there. */
    static List<Message> changes(Message message, String path) {
        List<Message> changed = new ArrayList<>();
        int dot = path.indexOf('.');
        FieldDescriptor field = field(message, dot < 0 ? path : path.substring(0, dot));
        if (dot < 0) {
            addValues(message, field, changed);
            return changed;
        }
        List<Message> children = children(message, field.getName());
        for (int i = 0; i < children.size(); i++) {
            for (Message child : changes(children.get(i), path.substring(dot + 1))) {
                Message.Builder builder = message.toBuilder();
                changed.add((field.isRepeated()
                                ? builder.setRepeatedField(field, i, child)
                                : builder.setField(field, child))
                        .build());
            }
        }
        return changed;
    }

    /** Never without a field that must be there: that says nothing of it. */
    private static void addValues(Message message, FieldDescriptor field, List<Message> target) {
        if (field.isRepeated()) {
            int count = message.getRepeatedFieldCount(field);
            if (count > 0) {
                target.add(message.toBuilder().clearField(field).build());
            }
            for (Object value : others(message, field, count == 0 ? null : message.getRepeatedField(field, 0))) {
                target.add(message.toBuilder().addRepeatedField(field, value).build());
            }
            return;
        }
        if (message.hasField(field) && !field.isRequired()) {
            target.add(message.toBuilder().clearField(field).build());
        }
        for (Object value : others(message, field, message.getField(field))) {
            target.add(message.toBuilder().setField(field, value).build());
        }
    }

    private static List<Object> others(Message message, FieldDescriptor field, @Nullable Object present) {
        Set<Object> others = new LinkedHashSet<>();
        switch (field.getJavaType()) {
            case INT -> {
                int number = present == null ? 0 : (int) present;
                others.addAll(List.of(number + 1, 0, 1, -1));
            }
            case LONG -> {
                long number = present == null ? 0 : (long) present;
                others.addAll(List.of(number + 1, 0L, 1L, -1L));
            }
            case BOOLEAN -> others.addAll(List.of(false, true));
            case STRING -> others.addAll(List.of(present == null ? "x" : present + "x", ""));
            case BYTE_STRING -> {
                ByteString bytes = present == null ? ByteString.EMPTY : (ByteString) present;
                others.addAll(List.of(bytes.concat(ByteString.copyFromUtf8("x")), flipped(bytes), ByteString.EMPTY));
            }
            case ENUM -> {
                for (EnumValueDescriptor value : field.getEnumType().getValues()) {
                    others.add(value);
                }
            }
            case MESSAGE ->
                others.add(message.toBuilder().newBuilderForField(field).build());
            case FLOAT, DOUBLE -> throw new AssertionError(field + " is of a type that no request has");
        }
        boolean isThere = field.isRepeated() ? present != null : message.hasField(field);
        if (isThere) {
            others.remove(present);
        }
        return List.copyOf(others);
    }

    private static ByteString flipped(ByteString bytes) {
        if (bytes.isEmpty()) {
            return ByteString.copyFromUtf8("\0");
        }
        byte[] copy = bytes.toByteArray();
        copy[0] ^= 1;
        return ByteString.copyFrom(copy);
    }
}
