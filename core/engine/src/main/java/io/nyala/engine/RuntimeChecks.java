package io.nyala.engine;

import io.nyala.memory.Kernels;
import java.util.ArrayList;
import java.util.List;

/** What the JVM was started without, and what is lost by it. */
final class RuntimeChecks {
    private RuntimeChecks() {}

    /** One line for each missing flag that the engine can live without. */
    static List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            warnings.add(
                    "started without --add-modules jdk.incubator.vector: scans run on scalar kernels, several times"
                            + " slower; kernels in use: " + Kernels.best().name());
        }
        if (!RuntimeChecks.class.getModule().isNativeAccessEnabled()) {
            warnings.add(
                    "started without --enable-native-access=ALL-UNNAMED: the JVM warns about native calls, and later"
                            + " versions will refuse them, which loses io_uring and huge pages");
        }
        return warnings;
    }

    /** Throws if a flag is missing that nothing can replace. */
    static void require() {
        boolean isExported = Object.class.getModule().isExported("jdk.internal.misc", RuntimeChecks.class.getModule());
        if (!isExported) {
            throw new EngineOpenException(
                    "started without --add-exports java.base/jdk.internal.misc=ALL-UNNAMED, which the"
                            + " queues between threads (Agrona) need; add it to the java command line");
        }
    }
}
