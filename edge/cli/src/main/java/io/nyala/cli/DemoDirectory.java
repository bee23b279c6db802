package io.nyala.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where a demo keeps its data: a directory that was named, which stays, or a fresh temporary one, which is deleted at
 * the end unless {@link #keep} was called. One thread.
 */
final class DemoDirectory implements AutoCloseable {
    private final Path path;
    private boolean isTemporary;

    private DemoDirectory(Path path, boolean isTemporary) {
        this.path = path;
        this.isTemporary = isTemporary;
    }

    /**
     * @param named by the user, or null
     * @throws UsageException if it has something in it that is not an engine's
     */
    static DemoDirectory of(@Nullable Path named) {
        try {
            if (named == null) {
                Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
                return new DemoDirectory(Files.createTempDirectory(temporary, "nyala-demo-"), true);
            }
            if (Files.exists(named) && !Files.isDirectory(named)) {
                throw new UsageException(named + " is not a directory; name one that is empty or does not exist");
            }
            if (Files.isDirectory(named) && !isEmpty(named) && !Files.isDirectory(named.resolve("storage"))) {
                throw new UsageException(
                        named + " is not empty, and not an engine's; name one that is empty or does not exist");
            }
            Files.createDirectories(named);
            return new DemoDirectory(named, false);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "cannot use " + (named == null ? "a temporary directory" : named) + ": " + e, e);
        }
    }

    private static boolean isEmpty(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.findAny().isEmpty();
        }
    }

    boolean isEmpty() {
        try {
            return !Files.exists(path) || isEmpty(path);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot look into " + path + ": " + e, e);
        }
    }

    Path path() {
        return path;
    }

    boolean isTemporary() {
        return isTemporary;
    }

    /** Leaves it there for a look. */
    void keep() {
        isTemporary = false;
    }

    /** Bytes of all files below a directory of it, 0 if there is none. */
    long bytes(String below) {
        Path directory = path.resolve(below);
        if (!Files.isDirectory(directory)) {
            return 0;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            long bytes = 0;
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                bytes += Files.size(file);
            }
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot look into " + directory + ": " + e, e);
        }
    }

    /** Deletes what is in it. */
    void clear() {
        try (Stream<Path> files = Files.walk(path)) {
            List<Path> deepestFirst = files.sorted(Comparator.reverseOrder()).toList();
            for (Path file : deepestFirst) {
                if (!file.equals(path)) {
                    Files.delete(file);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot empty " + path + ": " + e, e);
        }
    }

    @Override
    public void close() {
        if (isTemporary) {
            clear();
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                throw new UncheckedIOException("cannot delete " + path + ": " + e, e);
            }
        }
    }
}
