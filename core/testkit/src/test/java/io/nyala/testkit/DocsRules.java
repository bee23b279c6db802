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
 * Rules for the documentation: links lead somewhere, tests that are named exist, and code that is shown is code that
 * compiles. Stateless.
 */
final class DocsRules {
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#\\s]+)(?:#[^)]*)?\\)");

    /** An example names the file that it is cut from; that file is compiled by its module's tests. */
    private static final Pattern EXAMPLE =
            Pattern.compile("<!-- example: (\\S+) -->\n(?:```java\n(.*?)```)?", Pattern.DOTALL);

    /** A link to a test names its class and its method. */
    private static final Pattern TEST = Pattern.compile("\\[(\\w+)#(\\w+)\\]\\(([^)]+\\.java)\\)");

    private static final Pattern TEST_METHOD = Pattern.compile(
            "@(?:Test|RepeatedTest\\([^)]*\\)|ParameterizedTest\\s+@\\w+(?:\\([^)]*\\))?)\\s+void (\\w+)\\(");

    private static final String BEGIN = "// example: begin\n";
    private static final String END = "// example: end";

    private DocsRules() {}

    /** All documentation of the project. */
    static List<Path> pages(Path root) throws IOException {
        List<Path> pages = new ArrayList<>();
        try (Stream<Path> top = Files.list(root);
                Stream<Path> docs = Files.walk(root.resolve("docs"));
                Stream<Path> perf = Files.list(root.resolve("perf"))) {
            Stream.of(top, docs, perf)
                    .flatMap(paths -> paths)
                    .filter(path -> path.toString().endsWith(".md"))
                    .sorted()
                    .forEach(pages::add);
        }
        return pages;
    }

    /** What is wrong in one page. */
    static List<String> problems(Path root, Path page) throws IOException {
        String text = Files.readString(page);
        String name = root.relativize(page).toString();
        List<String> problems = new ArrayList<>();
        Matcher link = LINK.matcher(text);
        while (link.find()) {
            String target = link.group(1);
            if (!target.contains("://") && !Files.exists(page.resolveSibling(target))) {
                problems.add(name + ": the link to " + target + " leads nowhere");
            }
        }
        Matcher test = TEST.matcher(text);
        while (test.find()) {
            Path source = page.resolveSibling(test.group(3));
            if (Files.exists(source) && !isTest(source, test.group(1), test.group(2))) {
                problems.add(name + ": there is no test " + test.group(2) + " in " + test.group(3));
            }
        }
        Matcher example = EXAMPLE.matcher(text);
        while (example.find()) {
            Path source = root.resolve(example.group(1));
            if (!Files.exists(source)) {
                problems.add(name + ": the example " + example.group(1) + " does not exist");
            } else if (!excerpt(Files.readString(source)).equals(example.group(2))) {
                problems.add(name + ": the example differs from " + example.group(1) + " between begin and end");
            }
        }
        return problems;
    }

    private static boolean isTest(Path source, String type, String method) throws IOException {
        return source.endsWith(type + ".java") && tests(source).contains(method);
    }

    /** Names of the tests in a file. */
    static List<String> tests(Path source) throws IOException {
        return TEST_METHOD
                .matcher(Files.readString(source))
                .results()
                .map(found -> found.group(1))
                .toList();
    }

    /** The lines between the marks, moved to the left margin. */
    static String excerpt(String source) {
        int begin = source.indexOf(BEGIN);
        int end = source.indexOf(END);
        if (begin < 0 || end < begin) {
            throw new IllegalArgumentException("no lines between \"" + BEGIN.strip() + "\" and \"" + END + "\"");
        }
        String lines = source.substring(begin + BEGIN.length(), source.lastIndexOf('\n', end));
        return lines.stripIndent() + "\n";
    }
}
