package io.nyala.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * A small file as memory, which other processes watch while it changes. Not for data: a page that cannot be read would
 * be a SIGBUS, where a read answers an error.
 *
 * <p>Thread-safe. {@link #close} unmaps it at once, so that its file system can be unmounted; whoever comes late gets
 * an {@link IllegalStateException} from the memory, and brings nothing down.
 */
public final class MappedFile implements AutoCloseable {
    private final Arena arena;
    private final MemorySegment memory;

    private MappedFile(Arena arena, MemorySegment memory) {
        this.arena = arena;
        this.memory = memory;
    }

    /** Maps all that the file has, to be read. */
    public static MappedFile toRead(Path path) throws IOException {
        return map(path, Set.of(StandardOpenOption.READ), MapMode.READ_ONLY);
    }

    /** Maps all that the file has, to be read and changed. */
    public static MappedFile toWrite(Path path) throws IOException {
        return map(path, Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE), MapMode.READ_WRITE);
    }

    private static MappedFile map(Path path, Set<StandardOpenOption> options, MapMode mode) throws IOException {
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(path, options)) {
            return new MappedFile(arena, channel.map(mode, 0, channel.size(), arena));
        } catch (IOException | RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /** The bytes of the file, until it is closed. */
    public MemorySegment memory() {
        return memory;
    }

    @Override
    public void close() {
        arena.close();
    }
}
