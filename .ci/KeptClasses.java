import java.net.URL;
import java.net.URLClassLoader;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps the compiler's checks loaded from one module to the next. Without it javac, which runs in Maven's own process,
 * loads, verifies and compiles some thousand classes of them once more each time. Made by {@code javac} for each
 * class path of processors ({@code -XDprocloader} in the parent pom, which it ignores where it does not find us), and
 * found by it because {@code .ci/run} names us as an agent: that is the way onto the class path of a process whose
 * class path is Maven's. Thread-safe.
 */
public final class KeptClasses extends ClassLoader {
    private static final Map<List<String>, ClassLoader> KEPT = new ConcurrentHashMap<>();

    /** As javac calls it. Has no classes of its own, so that javac, which closes its loader, closes nothing. */
    public KeptClasses(URL[] path, ClassLoader parent) {
        super(KEPT.computeIfAbsent(
                Arrays.stream(path).map(URL::toExternalForm).toList(), _ -> new URLClassLoader(path, parent)));
    }

    /** What an agent must have. */
    public static void premain(String arguments) {}
}
