package io.nyala.peer;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The programs of the published Kudu, which the build of this module unpacks. Stateless. */
final class KuduBinary {
    private static final String PROPERTY = "nyala.kudu.home";
    private static final String HOW_TO_UNPACK =
            "`mvn -pl edge/kudu-peer generate-resources` unpacks one into edge/kudu-peer/target/kudu";

    private KuduBinary() {}

    private static Path home() {
        String home = System.getProperty(PROPERTY);
        if (home == null) {
            throw new IllegalStateException("where a real Kudu is must be said by -D" + PROPERTY
                    + "=DIRECTORY, which has its bin and lib; " + HOW_TO_UNPACK);
        }
        return Path.of(home).toAbsolutePath();
    }

    static Path path(String program) {
        Path path = home().resolve("bin").resolve(program);
        if (!Files.exists(path)) {
            throw new IllegalStateException(path + " is not there; " + HOW_TO_UNPACK);
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
        environment.put("LD_LIBRARY_PATH", home().resolve("lib").toString());
        environment.put("SASL_PATH", home().resolve("lib/sasl2").toString());
        return builder;
    }
}
