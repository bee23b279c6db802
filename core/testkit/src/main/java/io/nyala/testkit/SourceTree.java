package io.nyala.testkit;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where the sources of the running tests lie. Maven and the fast loop both run a module's tests in its directory.
 * Stateless.
 */
public final class SourceTree {
    private SourceTree() {}

    /** The root of the repository: the nearest directory upwards that holds {@code .mvn}. */
    public static Path root() {
        Path start = Path.of("").toAbsolutePath();
        for (Path at = start; at != null; at = at.getParent()) {
            if (Files.isDirectory(at.resolve(".mvn"))) {
                return at;
            }
        }
        throw new IllegalStateException("no directory with .mvn above " + start + "; run tests inside the source tree");
    }

    /** The directory of the module under test, from the root: {@code core/rows}. */
    static String module() {
        Path module = Path.of("").toAbsolutePath();
        return root().relativize(module).toString();
    }
}
