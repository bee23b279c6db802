package io.nyala.peer;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The programs of the published Kudu, which the build of {@code edge/acceptance} unpacks; the property
 * {@code nyala.kudu.home} says where they are, if not there. Stateless.
 */
final class KuduBinary {
    private static final Path HOME = home();

    private KuduBinary() {}

    private static Path home() {
        return Path.of(System.getProperty("nyala.kudu.home", "target/kudu/kudu-binary-1.18.1-linux-x86_64"))
                .toAbsolutePath();
    }

    static Path path(String program) {
        Path path = HOME.resolve("bin").resolve(program);
        if (!Files.exists(path)) {
            throw new IllegalStateException(
                    path + " is not there; `mvn -pl edge/acceptance generate-test-resources` unpacks it");
        }
        if (!Files.isExecutable(path) && !path.toFile().setExecutable(true)) {
            throw new IllegalStateException(path + " cannot be made executable");
        }
        return path;
    }

    /** A process that finds its libraries, of which the system may have others under the same names. */
    static ProcessBuilder process(List<String> command) {
        ProcessBuilder builder = new ProcessBuilder(command);
        Map<String, String> environment = builder.environment();
        environment.put("LD_LIBRARY_PATH", HOME.resolve("lib").toString());
        environment.put("SASL_PATH", HOME.resolve("lib/sasl2").toString());
        return builder;
    }
}
