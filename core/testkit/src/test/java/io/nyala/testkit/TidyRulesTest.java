package io.nyala.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: each house rule fails on a bad example, and only there.
 * Method: small texts as if they stood in a module.
 */
final class TidyRulesTest {
    private static final String RULE_OF_PACKAGES = """
        /** <b>Owns</b> <b>Does not know</b> <b>Threads</b> <b>Memory</b> */
        @NullMarked package io.nyala.wal;\
        """;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Thread.sleep(1);",
                "long now = System.nanoTime();",
                "long now = System.currentTimeMillis();",
                "Instant.now()",
                "new Random(7)",
                "Math.random()",
                "new SplittableRandom()",
                "import sun.misc.Unsafe;",
                "import jdk.internal.misc.VM;",
                "// FIXME: it leaks",
                "// TODO later",
                "import module java.base;",
                "System.exit(1);",
                "System.out.println();",
                "System.err.println();",
                "e.printStackTrace();",
                "Arena.ofShared()",
                "Arena.global()",
                "ByteBuffer.allocateDirect(8)",
                "segment.reinterpret(8)",
                "Linker.nativeLinker()",
                "SymbolLookup lookup;",
                "import net.openhft.chronicle.bytes.Bytes;",
                "import io.netty.buffer.ByteBuf;",
                "import jdk.incubator.vector.LongVector;",
                "import org.openjdk.jmh.annotations.Benchmark;",
                "import picocli.CommandLine;",
                "import io.trino.tpch.LineItem;",
                "@SuppressWarnings(\"restricted\")"
            })
    void bansInAPart(String line) {
        List<String> problems = TextRules.problems(main("wal", "Part.java", "class Part {\n" + line + "\n}\n"));
        assertEquals(1, problems.size(), problems.toString());
        assertTrue(problems.getFirst().startsWith("wal/src/main/java/io/nyala/wal/Part.java:2: "), problems.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "io-uring-bridge, Linker.nativeLinker().reinterpret(8)",
        "core/memory, segment.reinterpret(8)",
        "core/memory, Arena.ofShared()",
        "core/memory, import jdk.incubator.vector.LongVector;",
        "edge/hexdump, import net.openhft.chronicle.bytes.Bytes;",
        "edge/kudu-rpc, import io.netty.buffer.ByteBuf;",
        "edge/cli, System.out.println();",
        "edge/cli, import picocli.CommandLine;",
        "perf, System.nanoTime()",
        "core/engine, System.nanoTime()",
        "wal, @SuppressWarnings(\"restricted\") // Its reason."
    })
    void allowsWhereItBelongs(String module, String line) {
        assertEquals(List.of(), TextRules.problems(main(module, "Part.java", line)));
    }

    @Test
    void testsMayPrintAndOwnArenasButNotSleep() {
        assertEquals(List.of(), TextRules.problems(test("wal", "Arena.ofConfined(); System.out.println();")));
        assertEquals(1, TextRules.problems(test("wal", "Thread.sleep(1);")).size());
        assertEquals(
                1, TextRules.problems(test("core/engine", "System.nanoTime();")).size());
    }

    @Test
    void limitsColumnsLinesAndNames() {
        assertEquals(List.of(), TextRules.problems(main("wal", "Part.java", "x".repeat(120))));
        assertEquals(
                1, TextRules.problems(main("wal", "Part.java", "x".repeat(121))).size());
        assertEquals(List.of(), TextRules.problems(main("wal", "Part.java", "x\n".repeat(500))));
        assertEquals(
                1,
                TextRules.problems(main("wal", "Part.java", "x\n".repeat(501))).size());
        assertEquals(1, TextRules.problems(main("wal", "PartManager.java", "x")).size());
    }

    @Test
    void packagesSayWhatTheyOwn() {
        assertEquals(List.of(), TextRules.problems(main("wal", "package-info.java", RULE_OF_PACKAGES)));
        String without = RULE_OF_PACKAGES.replace("<b>Does not know</b>", "");
        assertEquals(
                1, TextRules.problems(main("wal", "package-info.java", without)).size());
    }

    @Test
    void modulesAreSmallAndOnePackage() {
        List<Source> module = new ArrayList<>(List.of(main("wal", "package-info.java", RULE_OF_PACKAGES)));
        for (int i = 0; i < TextRules.FILES_MAX; i++) {
            module.add(main("wal", "Part" + i + ".java", ""));
        }
        assertEquals(List.of(), TextRules.problems(module));
        module.add(main("wal", "OneMore.java", ""));
        assertEquals(1, TextRules.problems(module).size());
        var elsewhere = new Source("cfile", "cfile/src/main/java/io/nyala/cfile/inner/Page.java", "");
        var silent = List.of(main("cfile", "Page.java", ""), elsewhere);
        assertEquals(3, TextRules.problems(silent).size(), "two packages, and neither says what it owns");
    }

    @Test
    void limitsMethodsAndParameters() throws IOException {
        assertEquals(List.of(), shape("void m(int a, int b, int c, int d, int e, int f) {" + "\n".repeat(59) + "}"));
        assertEquals(1, shape("void m() {" + "\n".repeat(60) + "}").size());
        assertEquals(
                1,
                shape("void m(int a, int b, int c, int d, int e, int f, int g) {}")
                        .size());
        assertEquals(List.of(), shape("record R(int a, int b, int c, int d, int e, int f, int g) {\nR { }\n}"));
    }

    @Test
    void allowsKernelsTwoParametersMore() throws IOException {
        String eight = "/** A. */ class A { void m(int a, int b, int c, int d, int e, int f, int g, int h) {} }";
        assertEquals(List.of(), ShapeRules.problems(List.of(kernels(eight))));
        assertEquals(
                1,
                ShapeRules.problems(List.of(kernels(eight.replace("int h", "int h, int i"))))
                        .size());
    }

    private static Source kernels(String text) {
        return new Source("core/memory", "core/memory/src/main/java/io/nyala/memory/Kernels.java", text);
    }

    @Test
    void wantsJavadocOnTypes() throws IOException {
        assertEquals(
                1,
                ShapeRules.problems(List.of(main("wal", "A.java", "class A {}")))
                        .size());
        assertEquals(1, shape("public record Inner() {}").size());
        assertEquals(List.of(), shape("private record Inner() {}"));
    }

    @Test
    void refusesDependenciesThatPointUp() {
        Map<String, String> poms = Map.of(
                "core/memory", pom("memory", ""),
                "core/rows", pom("rows", dependency("memory", "")),
                "io-uring-bridge", pom("io-uring-bridge", dependency("memory", "")),
                "wal", pom("wal", dependency("rows", "") + dependency("io-uring-bridge", "")));
        List<String> problems = problemsOfPoms(poms);
        assertEquals(List.of("wal: needs core/rows, which the table of arrows does not allow"), problems);
    }

    @Test
    void testsMayNeedTestSupportAndNothingElse() {
        Map<String, String> poms = Map.of(
                "core/testkit", pom("testkit", ""),
                "cfile", pom("cfile", ""),
                "wal", pom("wal", dependency("testkit", "test") + dependency("cfile", "test")));
        List<String> problems = problemsOfPoms(poms);
        assertEquals(List.of("wal: needs cfile in tests, which the table of arrows does not allow"), problems);
        assertEquals(
                1,
                problemsOfPoms(Map.of("core/testkit", pom("testkit", ""), "wal", pom("wal", dependency("testkit", ""))))
                        .size());
    }

    @Test
    void wantsALineForEachModuleAndAModuleForEachLine() {
        assertEquals(List.of("edge/shop: no line in the table of arrows"), problemsOfPoms(Map.of("edge/shop", "")));
        assertTrue(ArrowRules.problemsOfPoms(Map.of()).size() >= 18, "every line misses its module");
    }

    @Test
    void refusesNamesThatNoArrowReaches() {
        Map<String, String> modules = Map.of("rows", "core/rows", "memory", "core/memory", "io", "io-uring-bridge");
        assertEquals(
                List.of(), uses(main("wal", "A.java", "import io.nyala.memory.Check; io.nyala.io.Disk d;"), modules));
        assertEquals(
                1,
                uses(main("wal", "A.java", "import io.nyala.rows.Schema;"), modules)
                        .size());
        assertEquals(
                1,
                uses(main("wal", "A.java", "/** {@link io.nyala.rows.Schema} */"), modules)
                        .size());
        assertEquals(
                1,
                uses(main("core/memory", "A.java", "import static io.nyala.io.Disk.open;"), modules)
                        .size());
    }

    @Test
    void wantsTestsOfAllocationToBeRunWhereThereAreSome() {
        String runs = "<test.allocation.skip>false</test.allocation.skip>";
        List<Source> sources = List.of(test("wal", "@Tag(\"allocation\") class A {}"), test("cfile", "class A {}"));
        assertEquals(List.of(), TextRules.problems(Map.of("wal", runs, "cfile", ""), sources));
        assertEquals(
                List.of("wal: has tests with @Tag(\"allocation\"), but its pom lacks <test.allocation.skip>false<"),
                TextRules.problems(Map.of("wal", "", "cfile", ""), sources));
        assertEquals(
                List.of("cfile: has no test with @Tag(\"allocation\"), but its pom says <test.allocation.skip>false<"),
                TextRules.problems(Map.of("wal", runs, "cfile", runs), sources));
        String named = runs + "<id>allocation</id><include>**/%s.java</include>";
        assertEquals(List.of(), TextRules.problems(Map.of("wal", named.formatted("PartTest"), "cfile", ""), sources));
        assertEquals(
                List.of(sources.getFirst().path() + ": has @Tag(\"allocation\"), but its pom names others only"),
                TextRules.problems(Map.of("wal", named.formatted("Other"), "cfile", ""), sources));
    }

    private static List<String> uses(Source source, Map<String, String> modules) {
        return ArrowRules.problemsOfUses(source, modules);
    }

    private static List<String> problemsOfPoms(Map<String, String> poms) {
        return ArrowRules.problemsOfPoms(poms).stream()
                .filter(problem -> !problem.contains("the parent pom does not name it"))
                .toList();
    }

    private static List<String> shape(String member) throws IOException {
        return ShapeRules.problems(List.of(main("wal", "A.java", "/** Has it. */ class A {\n" + member + "\n}")));
    }

    private static Source main(String module, String name, String text) {
        String last = module.substring(module.lastIndexOf('/') + 1);
        return new Source(module, module + "/src/main/java/io/nyala/" + last + "/" + name, text);
    }

    private static Source test(String module, String text) {
        return new Source(module, module + "/src/test/java/io/nyala/part/PartTest.java", text);
    }

    private static String pom(String artifact, String dependencies) {
        return "<parent></parent>\n<artifactId>" + artifact + "</artifactId>" + dependencies;
    }

    private static String dependency(String artifact, String scope) {
        String scoped = scope.isEmpty() ? "" : "<scope>" + scope + "</scope>";
        return "<dependency><groupId>io.nyala</groupId><artifactId>" + artifact + "</artifactId>" + scoped
                + "</dependency>";
    }
}
