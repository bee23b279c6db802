package io.nyala.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: what the documentation links to exists, tests that it names included, and what it shows as code is what a test
 * compiles.
 * Method: all pages of the source tree; pages in a temporary directory that break each rule.
 */
final class DocsTest {
    private static final String EXAMPLE = "<!-- example: A.java -->\n";

    @TempDir
    private Path root = Path.of("unset");

    @BeforeEach
    void writeTheSourceOfTheExample() throws IOException {
        Files.writeString(
                root.resolve("A.java"), "class A {\n    // example: begin\n    int a;\n    // example: end\n}\n");
    }

    @Test
    void pagesOfTheProjectHold() throws IOException {
        Path tree = SourceTree.root();
        List<String> problems = new ArrayList<>();
        List<Path> pages = DocsRules.pages(tree);
        for (Path page : pages) {
            problems.addAll(DocsRules.problems(tree, page));
        }
        assertTrue(pages.size() >= 8, pages.toString());
        assertEquals(List.of(), problems);
    }

    @Test
    void findsALinkThatLeadsNowhere() throws IOException {
        assertEquals(List.of(), problems("[a](A.java) [b](A.java#part) [c](https://kudu.apache.org)"));
        assertEquals(List.of("page.md: the link to B.java leads nowhere"), problems("[b](B.java)"));
    }

    /** What went wrong in Kudu has tests in many places; those in files of their own are all told of. */
    @Test
    void thePageOfKudusBugsHasAllTheirTests() throws IOException {
        Path tree = SourceTree.root();
        String page = Files.readString(tree.resolve("docs/REGRESSIONS.md"));
        List<String> missing = new ArrayList<>();
        for (String path : List.of(
                "core/engine/src/test/java/io/nyala/engine/KuduRegressionTest",
                "core/engine/src/test/java/io/nyala/engine/KuduTableRegressionTest",
                "core/tablet/src/test/java/io/nyala/tablet/KuduMergeRegressionTest")) {
            String type = path.substring(path.lastIndexOf('/') + 1);
            for (String test : DocsRules.tests(tree.resolve(path + ".java"))) {
                if (!page.contains("[" + type + "#" + test + "]")) {
                    missing.add(type + "#" + test);
                }
            }
        }
        assertEquals(List.of(), missing);
    }

    @Test
    void findsATestThatDoesNotExist() throws IOException {
        Files.writeString(root.resolve("BTest.java"), "@Test\n    void aClaim(int a) {}\n    void noTest() {}\n");
        assertEquals(List.of(), problems("[BTest#aClaim](BTest.java)"));
        assertEquals(List.of("page.md: there is no test noTest in BTest.java"), problems("[BTest#noTest](BTest.java)"));
        assertEquals(List.of("page.md: there is no test aClaim in A.java"), problems("[BTest#aClaim](A.java)"));
    }

    @Test
    void findsAnExampleThatIsNotTheCode() throws IOException {
        assertEquals(List.of(), problems(EXAMPLE + "```java\nint a;\n```\n"));
        assertEquals(1, problems(EXAMPLE + "```java\nint b;\n```\n").size());
        assertEquals(1, problems(EXAMPLE + "no code\n").size());
        assertEquals(1, problems(EXAMPLE.replace("A.java", "B.java")).size());
    }

    private List<String> problems(String text) throws IOException {
        Path page = root.resolve("page.md");
        Files.writeString(page, text);
        return DocsRules.problems(root, page);
    }
}
