package io.nyala.server;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/** Messages that went wrong field by field: set, cleared, extreme, doubled, too many, too long. Stateless. */
final class FieldMutations {
    private static final long[] EXTREMES = {0, 1, -1, 2, 7, Integer.MAX_VALUE, Integer.MIN_VALUE, 1 << 16};
    private static final int MANY = 300;
    private static final int LONG_BYTES = 70_000;
    private static final int DEPTH_MAX = 6;

    private FieldMutations() {}

    /** A changed copy; required fields may be missing. */
    static Message of(Message message, SplittableRandom random) {
        return of(message.toBuilder(), random, 0).buildPartial();
    }

    private static Message.Builder of(Message.Builder builder, SplittableRandom random, int depth) {
        List<FieldDescriptor> fields = builder.getDescriptorForType().getFields();
        if (fields.isEmpty()) {
            return builder;
        }
        List<FieldDescriptor> set = List.copyOf(builder.getAllFields().keySet());
        boolean amongSet = !set.isEmpty() && random.nextInt(3) > 0;
        FieldDescriptor field =
                amongSet ? set.get(random.nextInt(set.size())) : fields.get(random.nextInt(fields.size()));
        if (amongSet && random.nextInt(8) == 0) {
            return builder.clearField(field);
        }
        if (!field.isRepeated()) {
            return builder.setField(field, value(field, builder.getField(field), random, depth));
        }
        int count = builder.getRepeatedFieldCount(field);
        Object some = count == 0 ? nothing(builder, field) : builder.getRepeatedField(field, random.nextInt(count));
        switch (random.nextInt(3)) {
            case 0 -> builder.addRepeatedField(field, value(field, some, random, depth));
            case 1 -> {
                for (int i = random.nextInt(MANY); i > 0; i--) {
                    builder.addRepeatedField(field, some);
                }
            }
            default -> {
                if (count > 0) {
                    builder.setRepeatedField(field, random.nextInt(count), value(field, some, random, depth));
                }
            }
        }
        return builder;
    }

    private static Object nothing(Message.Builder builder, FieldDescriptor field) {
        return field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
                ? builder.newBuilderForField(field).buildPartial()
                : field.getJavaType() == FieldDescriptor.JavaType.ENUM
                        ? field.getEnumType().getValues().getFirst()
                        : zero(field);
    }

    private static Object zero(FieldDescriptor field) {
        return switch (field.getJavaType()) {
            case INT -> 0;
            case LONG -> 0L;
            case FLOAT -> 0f;
            case DOUBLE -> 0.0;
            case BOOLEAN -> false;
            case STRING -> "";
            case BYTE_STRING -> ByteString.EMPTY;
            case ENUM, MESSAGE -> throw new AssertionError(field);
        };
    }

    private static Object value(FieldDescriptor field, Object present, SplittableRandom random, int depth) {
        long number = random.nextInt(4) == 0 ? random.nextLong() : EXTREMES[random.nextInt(EXTREMES.length)];
        return switch (field.getJavaType()) {
            case INT -> (int) number;
            case LONG -> random.nextInt(4) == 0 ? Long.MIN_VALUE : number;
            case FLOAT -> (float) number;
            case DOUBLE -> random.nextInt(4) == 0 ? Double.NaN : (double) number;
            case BOOLEAN -> random.nextBoolean();
            case STRING -> text(present.toString(), random);
            case BYTE_STRING -> bytes((ByteString) present, random);
            case ENUM -> {
                List<EnumValueDescriptor> values = field.getEnumType().getValues();
                yield values.get(random.nextInt(values.size()));
            }
            case MESSAGE ->
                depth == DEPTH_MAX
                        ? present
                        : of(((Message) present).toBuilder(), random, depth + 1).buildPartial();
        };
    }

    private static String text(String present, SplittableRandom random) {
        return switch (random.nextInt(5)) {
            case 0 -> "";
            case 1 -> present + "\0" + present;
            case 2 -> "x".repeat(random.nextInt(LONG_BYTES));
            case 3 -> present + "\uD83D\uDE00'\"\\\n";
            default -> present.toUpperCase(Locale.ROOT);
        };
    }

    private static ByteString bytes(ByteString present, SplittableRandom random) {
        byte[] drawn = new byte[random.nextInt(5) == 0 ? random.nextInt(LONG_BYTES) : random.nextInt(40)];
        random.nextBytes(drawn);
        return switch (random.nextInt(3)) {
            case 0 -> ByteString.copyFrom(drawn);
            case 1 -> present.concat(ByteString.copyFrom(drawn));
            default -> present.substring(0, random.nextInt(present.size() + 1));
        };
    }
}
