package io.nyala.engine;

import io.nyala.memory.Kernels;
import java.util.ArrayList;
import java.util.List;

/** What the JVM was started without, and what is lost by it. */
final class RuntimeChecks {
    private static final String VECTORS = "--add-modules jdk.incubator.vector";
    private static final String NATIVE = "--enable-native-access=ALL-UNNAMED";
    private static final String QUEUES = "--add-exports java.base/jdk.internal.misc=ALL-UNNAMED";

    private RuntimeChecks() {}

    /** One line for each missing flag that the engine can live without. */
    static List<String> warnings() {
        List<String> missing = missing();
        List<String> warnings = new ArrayList<>();
        if (missing.contains(VECTORS)) {
            warnings.add(
                    "started without " + VECTORS + ": scans run on scalar kernels, several times slower; kernels in"
                            + " use: " + Kernels.best().name());
        }
        if (missing.contains(NATIVE)) {
            warnings.add("started without " + NATIVE + ": the JVM warns about native calls, and later versions will"
                    + " refuse them, which loses io_uring and huge pages");
        }
        return warnings;
    }

    /** Throws if a flag is missing that nothing can replace; whoever adds it is told of the others, too. */
    static void require() {
        List<String> missing = missing();
        if (missing.contains(QUEUES)) {
            throw new EngineOpenException("started without " + QUEUES + ", which the queues between threads (Agrona)"
                    + " need; add to the java command line: " + String.join(" ", missing));
        }
    }

    private static List<String> missing() {
        Module ours = RuntimeChecks.class.getModule();
        List<String> missing = new ArrayList<>();
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            missing.add(VECTORS);
        }
        if (!ours.isNativeAccessEnabled()) {
            missing.add(NATIVE);
        }
        if (!Object.class.getModule().isExported("jdk.internal.misc", ours)) {
            missing.add(QUEUES);
        }
        return missing;
    }
}
