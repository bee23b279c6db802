package io.nyala.testkit;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** House rules that need no parser: what may not be written, how long, and where. Stateless. */
final class TextRules {
    static final int COLUMNS_MAX = 120;
    static final int LINES_MAX = 500;
    static final int FILES_MAX = 40;

    /** It tells people which flags are missing, and so has to name them. */
    private static final String NAMES_JVM_FLAGS = "core/engine/src/main/java/io/nyala/engine/RuntimeChecks.java";

    private static final List<String> TEST_MEASURES = List.of(
            "core/testkit/src/main/java/io/nyala/testkit/Allocation.java",
            "core/testkit/src/main/java/io/nyala/testkit/TimeBudget.java");
    private static final List<String> CLOCKS = join(TEST_MEASURES, "perf/", "edge/", "core/engine/src/main/");
    private static final List<String> CONSOLES = join(TEST_MEASURES, "perf/", "edge/cli/", "edge/column-peer/");
    private static final List<String> NATIVE = List.of("io-uring-bridge/");
    private static final List<String> NATIVE_MEMORY = List.of("io-uring-bridge/", "core/memory/");
    private static final List<String> ARENAS = List.of(
            "io-uring-bridge/",
            "core/memory/",
            "core/simulation/",
            "perf/",
            "edge/column-peer/"); // The last three: no engine's memory.
    private static final String GIVEN_CLOCK = "the clock the part was given";
    private static final String BUDGET = "an account of the MemoryBudget";
    private static final String FIX = "the fix, or a sentence that says why not";

    /** These rules themselves, and what shows that they fail, hold what they ban. */
    static final List<String> RULES = List.of(
            "core/testkit/src/test/java/io/nyala/testkit/TextRules.java",
            "core/testkit/src/test/java/io/nyala/testkit/TidyRulesTest.java");

    private static final List<Ban> BANS = List.of(
            new Ban("Thread.sleep(", "an agent's doWork(), so that tests can drive time", false, List.of()),
            new Ban("System.nanoTime(", GIVEN_CLOCK, false, CLOCKS),
            new Ban("System.currentTimeMillis(", GIVEN_CLOCK, false, CLOCKS),
            new Ban("Instant.now(", GIVEN_CLOCK, false, CLOCKS),
            new Ban("new Random(", "a SplittableRandom with a seed", false, List.of()),
            new Ban("Math.random(", "a SplittableRandom with a seed", false, List.of()),
            new Ban("new SplittableRandom()", "a parameter @Seed SplittableRandom", false, List.of()),
            new Ban("sun.misc.Unsafe", "MemorySegment", false, List.of()),
            new Ban("jdk.internal.", "an API that is exported", false, List.of(NAMES_JVM_FLAGS)),
            new Ban("FIXME", FIX, false, List.of()),
            new Ban("TODO", FIX, false, List.of()),
            new Ban("import module ", "imports by name, which the formatter can read", false, List.of()),
            new Ban("System.exit(", "an exception", true, List.of("edge/cli/", "perf/")),
            new Ban("System.out.", "System.Logger", true, CONSOLES),
            new Ban("System.err.", "System.Logger", true, CONSOLES),
            new Ban(".printStackTrace(", "System.Logger", true, CONSOLES),
            new Ban("Arena.of", BUDGET, true, ARENAS),
            new Ban("Arena.global", BUDGET, true, ARENAS),
            new Ban("allocateDirect(", BUDGET, true, ARENAS),
            new Ban(".reinterpret(", "a slice of a segment that is owned", false, NATIVE_MEMORY),
            new Ban("Linker.", "io-uring-bridge, the only module that links", false, NATIVE),
            new Ban("SymbolLookup", "io-uring-bridge, the only module that links", false, NATIVE),
            new Ban("net.openhft", "io.nyala.hexdump", false, List.of("edge/", "perf/")),
            new Ban("io.netty", "io.nyala.rpc, whose API has no type of it", false, List.of("edge/kudu-rpc/")),
            new Ban(
                    "jdk.incubator.vector",
                    "a kernel of io.nyala.memory",
                    false,
                    List.of("core/memory/", "perf/", NAMES_JVM_FLAGS)),
            new Ban("org.openjdk.jmh", "a benchmark in perf", false, List.of("perf/")),
            new Ban("picocli.", "a plain class; edge/cli has the commands", false, List.of("edge/cli/")),
            new Ban("io.trino.", "rows of the test's own", false, List.of("edge/cli/", "edge/column-peer/")));

    private static final List<String> VAGUE = List.of("Manager", "Helper", "Util", "Utils", "Impl", "Info");

    /** What every package-info tells, so that a newcomer learns what a module is from one file. */
    private static final List<String> PACKAGE_LISTS =
            List.of("<b>Owns</b>", "<b>Does not know</b>", "<b>Threads</b>", "<b>Memory</b>", "@NullMarked");

    private static final String ALLOCATION_TESTS = "@Tag(\"allocation\")";
    private static final String ALLOCATION_TESTS_RUN = "<test.allocation.skip>false<";

    /** In a pom that names the classes which have some. */
    private static final String ALLOCATION_TESTS_NAMED = "<id>allocation</id>";

    private TextRules() {}

    /** What is wrong in one file, each as {@code path:line: what; what instead}. */
    static List<String> problems(Source source) {
        List<String> problems = new ArrayList<>();
        List<String> lines = source.text().lines().toList();
        boolean isRule = source.isIn(RULES);
        for (int i = 0; i < lines.size(); i++) {
            String where = source.path() + ":" + (i + 1) + ": ";
            String line = lines.get(i);
            if (line.codePointCount(0, line.length()) > COLUMNS_MAX) {
                problems.add(where + line.length() + " columns; " + COLUMNS_MAX + " is the limit");
            }
            if (!isRule) {
                BANS.stream().filter(ban -> ban.bans(source, line)).forEach(ban -> problems.add(where + ban.message()));
                if (line.contains("@SuppressWarnings(\"restricted\")") && !line.contains("//")) {
                    problems.add(where + "restricted without its reason; write it on the same line");
                }
            }
        }
        if (lines.size() > LINES_MAX) {
            problems.add(source.path() + ": " + lines.size() + " lines; " + LINES_MAX + " is the limit");
        }
        for (String word : VAGUE) {
            if (source.fileName().endsWith(word + ".java")) {
                problems.add(source.path() + ": a name that ends with " + word + "; name what it is");
            }
        }
        if (!isRule
                && !source.isMain()
                && source.text().contains("Allocation.assert")
                && !source.text().contains(ALLOCATION_TESTS)) {
            problems.add(source.path() + ": asserts allocation without " + ALLOCATION_TESTS + "; see CONTRIBUTING.md");
        }
        if (source.fileName().equals("package-info.java") && source.isMain()) {
            PACKAGE_LISTS.stream()
                    .filter(part -> !source.text().contains(part))
                    .forEach(part -> problems.add(source.path() + ": lacks " + part));
        }
        return problems;
    }

    /** What is wrong in the modules as wholes: too many files, more than one package, a package that says nothing. */
    static List<String> problems(List<Source> sources) {
        Map<String, Integer> files = new TreeMap<>();
        Map<String, Set<String>> packages = new HashMap<>();
        Set<String> told = new HashSet<>();
        for (Source source : sources) {
            if (source.isMain()) {
                packages.computeIfAbsent(source.module(), _ -> new HashSet<>()).add(source.directory());
                if (source.fileName().equals("package-info.java")) {
                    told.add(source.directory());
                } else {
                    files.merge(source.module(), 1, Integer::sum);
                }
            }
        }
        List<String> problems = new ArrayList<>();
        files.forEach((module, count) -> {
            if (count > FILES_MAX) {
                problems.add(module + ": " + count + " files; " + FILES_MAX
                        + " is the limit, a second idea is a second module");
            }
            Set<String> directories = packages.getOrDefault(module, Set.of());
            if (directories.size() > 1) {
                problems.add(module + ": " + directories.size() + " packages; one module is one package");
            }
            for (String directory : directories) {
                if (!told.contains(directory)) {
                    problems.add(
                            directory + ": no package-info.java, which says what it owns and what it does not know");
                }
            }
        });
        return problems;
    }

    /** Modules whose tests of allocation are not run, or not all, and those that start a process for none. */
    static List<String> problems(Map<String, String> poms, List<Source> sources) {
        List<String> problems = new ArrayList<>();
        Set<String> tested = new HashSet<>();
        for (Source source : sources) {
            if (!source.isIn(RULES) && !source.isMain() && source.text().contains(ALLOCATION_TESTS)) {
                tested.add(source.module());
                String pom = poms.getOrDefault(source.module(), "");
                if (pom.contains(ALLOCATION_TESTS_NAMED) && !pom.contains("/" + source.fileName() + "<")) {
                    problems.add(source.path() + ": has " + ALLOCATION_TESTS + ", but its pom names others only");
                }
            }
        }
        poms.forEach((module, pom) -> {
            if (pom.contains(ALLOCATION_TESTS_RUN) != tested.contains(module)) {
                String want = tested.contains(module) ? "has tests with " : "has no test with ";
                String state = tested.contains(module) ? ", but its pom lacks " : ", but its pom says ";
                problems.add(module + ": " + want + ALLOCATION_TESTS + state + ALLOCATION_TESTS_RUN);
            }
        });
        return problems;
    }

    private static List<String> join(List<String> some, String... more) {
        List<String> all = new ArrayList<>(some);
        all.addAll(List.of(more));
        return all;
    }

    /**
     * Something that is not written.
     *
     * @param mainOnly whether tests may
     * @param exempt beginnings of paths where it may be
     */
    private record Ban(String text, String instead, boolean mainOnly, List<String> exempt) {
        boolean bans(Source source, String line) {
            return line.contains(text) && (source.isMain() || !mainOnly) && !source.isIn(exempt);
        }

        String message() {
            return "\"" + text.strip() + "\"; use " + instead;
        }
    }
}
