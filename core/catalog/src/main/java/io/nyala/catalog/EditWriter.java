package io.nyala.catalog;

import io.nyala.rows.LittleEndian;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Puts the fields of an edit one behind the other; without memory it only counts their bytes. One thread; owns nothing.
 */
final class EditWriter {
    private final @Nullable MemorySegment memory;
    private final long start;
    private long at;

    /** Writes from {@code start} on. */
    EditWriter(MemorySegment memory, long start) {
        this.memory = memory;
        this.start = start;
        this.at = start;
    }

    /** Counts. */
    EditWriter() {
        this.memory = null;
        this.start = 0;
    }

    /** How many were put so far. */
    int bytes() {
        return Math.toIntExact(at - start);
    }

    EditWriter putInt(int value) {
        if (memory != null) {
            LittleEndian.setInt(memory, at, value);
        }
        at += Integer.BYTES;
        return this;
    }

    EditWriter putLong(long value) {
        if (memory != null) {
            LittleEndian.setLong(memory, at, value);
        }
        at += Long.BYTES;
        return this;
    }

    EditWriter putBytes(byte[] bytes) {
        if (memory != null) {
            MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, at, bytes.length);
        }
        at += bytes.length;
        return this;
    }

    /** How many they are, and they. */
    EditWriter putCounted(byte[] bytes) {
        return putInt(bytes.length).putBytes(bytes);
    }

    /** In UTF-8. */
    EditWriter putText(String text) {
        return putCounted(text.getBytes(StandardCharsets.UTF_8));
    }

    /** How many of something follow, and what fills the word up. */
    EditWriter putCount(int count) {
        return putInt(count).putInt(0);
    }
}
