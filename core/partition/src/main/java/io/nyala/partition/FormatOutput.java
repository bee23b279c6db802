package io.nyala.partition;

import java.io.ByteArrayOutputStream;

/** Writes a format from front to back, little-endian. One thread. */
final class FormatOutput {
    private final ByteArrayOutputStream target = new ByteArrayOutputStream();

    FormatOutput putShort(int value) {
        target.write(value);
        target.write(value >> Byte.SIZE);
        return this;
    }

    FormatOutput putInt(int value) {
        return putShort(value).putShort(value >> Short.SIZE);
    }

    FormatOutput putBytes(byte[] bytes) {
        target.writeBytes(bytes);
        return this;
    }

    byte[] toBytes() {
        return target.toByteArray();
    }
}
