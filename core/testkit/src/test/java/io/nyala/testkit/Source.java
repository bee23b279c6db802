package io.nyala.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A Java file of the project, as the house rules see it. Immutable.
 *
 * @param module the directory of its module: {@code core/rows}
 * @param path from the root of the repository, with slashes
 * @param text all of it
 */
record Source(String module, String path, String text) {
    private static final Pattern MODULE = Pattern.compile("<module>(.*?)</module>");

    /** Directories of the modules that the parent pom names, in its order. */
    static List<String> modules(String parentPom) {
        Matcher matcher = MODULE.matcher(parentPom);
        List<String> modules = new ArrayList<>();
        while (matcher.find()) {
            modules.add(matcher.group(1));
        }
        return modules;
    }

    /** All Java files of a module, generated ones excluded. */
    static List<Source> of(Path root, String module) throws IOException {
        List<Source> sources = new ArrayList<>();
        Path directory = root.resolve(module).resolve("src");
        if (!Files.isDirectory(directory)) {
            return sources;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file :
                    files.filter(f -> f.toString().endsWith(".java")).sorted().toList()) {
                String path = root.relativize(file).toString().replace('\\', '/');
                sources.add(new Source(module, path, Files.readString(file)));
            }
        }
        return sources;
    }

    boolean isMain() {
        return path.contains("/src/main/");
    }

    boolean isIn(List<String> prefixes) {
        return prefixes.stream().anyMatch(path::startsWith);
    }

    String fileName() {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    String directory() {
        return path.substring(0, path.lastIndexOf('/'));
    }
}
