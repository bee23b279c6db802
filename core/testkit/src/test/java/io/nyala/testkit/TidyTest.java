package io.nyala.testkit;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Goal: the house rules hold in every file of every module, and the arrows between modules point down.
 * Method: reads the source tree; TidyRulesTest shows each rule fail.
 */
final class TidyTest {
    /** Generated messages, no code of ours. */
    private static final String GENERATED = "edge/kudu-protocol";

    private static final Path ROOT = SourceTree.root();
    private static final Map<String, String> POMS = new LinkedHashMap<>();
    private static final List<Source> SOURCES = new ArrayList<>();

    @BeforeAll
    static void readTheSourceTree() throws IOException {
        for (String module : Source.modules(Files.readString(ROOT.resolve("pom.xml")))) {
            POMS.put(module, Files.readString(ROOT.resolve(module).resolve("pom.xml")));
            SOURCES.addAll(Source.of(ROOT, module));
        }
        assertTrue(SOURCES.size() >= POMS.size(), "a module without sources, or the tree was not found at " + ROOT);
    }

    @Test
    void filesSayNothingThatIsBanned() {
        assertNone(SOURCES.stream()
                .filter(source -> !source.module().equals(GENERATED))
                .flatMap(source -> TextRules.problems(source).stream())
                .toList());
    }

    @Test
    void modulesAreOnePackageOfFewFiles() {
        assertNone(TextRules.problems(SOURCES.stream()
                .filter(source -> !source.module().equals(GENERATED))
                .toList()));
    }

    @Test
    void testsOfAllocationAreRunWhereThereAreSome() {
        assertNone(TextRules.problems(POMS, SOURCES));
    }

    @Test
    void methodsAreShortAndTypesAreExplained() throws IOException {
        assertNone(ShapeRules.problems(SOURCES.stream()
                .filter(source -> !source.module().equals(GENERATED))
                .toList()));
    }

    @Test
    void arrowsPointDownInPoms() {
        assertNone(ArrowRules.problemsOfPoms(POMS));
    }

    @Test
    void arrowsPointDownInCode() {
        Map<String, String> modules = ArrowRules.modulesByPackage(SOURCES);
        assertNone(SOURCES.stream()
                .filter(source -> !source.isIn(TextRules.RULES))
                .flatMap(source -> ArrowRules.problemsOfUses(source, modules).stream())
                .toList());
    }

    private static void assertNone(List<String> problems) {
        if (!problems.isEmpty()) {
            fail(problems.size() + " untidy:\n" + String.join("\n", problems));
        }
    }
}
