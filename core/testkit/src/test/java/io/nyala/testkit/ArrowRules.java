package io.nyala.testkit;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which module may need which: the picture in docs/ARCHITECTURE.md as a table. Stateless. */
final class ArrowRules {
    /**
     * Each module and what it may need directly, from the ground up, so that nothing can point up: a line names only
     * lines above it.
     */
    static final Map<String, Set<String>> ALLOWED = table("""
        core/testkit        :
        core/memory         :
        edge/hexdump        : core/memory
        core/time           :
        core/rows           : core/memory
        core/cursor         : core/memory core/rows
        core/partition      : core/rows
        core/record         : core/memory core/time core/rows
        io-uring-bridge     : core/memory
        core/simulation     : core/memory core/rows io-uring-bridge core/testkit
        wal                 : core/memory io-uring-bridge
        memrowset           : core/memory core/rows
        core/encoding       : core/memory
        cfile               : core/memory core/rows io-uring-bridge core/encoding
        core/diskrowset     : core/memory core/rows io-uring-bridge core/encoding cfile
        compaction          : core/memory core/rows core/diskrowset
        core/tablet         : core/memory core/time core/rows core/cursor core/record io-uring-bridge memrowset wal \
            core/diskrowset compaction
        core/maintenance    : core/memory io-uring-bridge compaction core/tablet
        core/catalog        : core/memory core/rows core/partition core/tablet
        core/table          : core/memory core/rows core/cursor core/partition wal core/tablet core/catalog
        core/engine         : core/memory core/time core/rows core/partition io-uring-bridge core/tablet \
            core/maintenance core/catalog core/table
        core/races          : core/memory io-uring-bridge memrowset cfile wal core/time core/tablet core/engine
        edge/text           :
        edge/web            : core/engine edge/text
        edge/kudu-protocol  :
        edge/kudu-rpc       : core/memory edge/kudu-protocol
        edge/kudu-wire      : core/memory core/time core/rows core/partition edge/kudu-protocol
        edge/kudu-caller    : core/rows edge/kudu-protocol edge/kudu-wire
        edge/server         : core/memory core/time core/rows core/partition core/record core/tablet core/catalog \
            core/table core/engine io-uring-bridge wal edge/kudu-protocol edge/kudu-rpc edge/kudu-wire edge/web
        edge/cli            : core/engine edge/hexdump edge/text edge/server
        edge/kudu-peer      : edge/cli
        edge/column-peer    : edge/cli
        edge/acceptance     : edge/cli edge/kudu-caller edge/kudu-peer
        perf                : core/engine edge/hexdump edge/kudu-peer edge/column-peer edge/server
        """);

    /** Test support, which any module's tests may need besides what lies under it. */
    private static final Set<String> TEST_SUPPORT =
            Set.of("core/testkit", "edge/hexdump", "core/simulation", "edge/kudu-caller");

    private static final Pattern DEPENDENCY = Pattern.compile("<dependency>(.*?)</dependency>", Pattern.DOTALL);
    private static final Pattern ARTIFACT = Pattern.compile("</parent>\\s*<artifactId>(.*?)</artifactId>");
    private static final Pattern NAME = Pattern.compile("<artifactId>(.*?)</artifactId>");
    private static final Pattern USE = Pattern.compile("\\bio\\.nyala\\.([a-z0-9]+)\\b");

    private ArrowRules() {}

    /** Dependencies in the poms, by directory of the module, that the table does not allow. */
    static List<String> problemsOfPoms(Map<String, String> poms) {
        List<String> problems = new ArrayList<>();
        Map<String, String> directories = new HashMap<>();
        poms.forEach((module, pom) -> directories.put(first(ARTIFACT, pom), module));
        for (String module : ALLOWED.keySet()) {
            if (!poms.containsKey(module)) {
                problems.add(module + ": in the table of arrows, but the parent pom does not name it");
            }
        }
        poms.forEach((module, pom) -> {
            if (!ALLOWED.containsKey(module)) {
                problems.add(module + ": no line in the table of arrows");
                return;
            }
            Matcher dependency = DEPENDENCY.matcher(pom);
            while (dependency.find()) {
                String target = directories.getOrDefault(first(NAME, dependency.group(1)), "");
                boolean isOurs = dependency.group(1).contains("<groupId>io.nyala</groupId>");
                boolean isTest = dependency.group(1).contains("<scope>test</scope>");
                Set<String> allowed = isTest ? testReach(module) : ALLOWED.getOrDefault(module, Set.of());
                if (isOurs && !allowed.contains(target)) {
                    problems.add(module + ": needs " + target + (isTest ? " in tests" : "")
                            + ", which the table of arrows does not allow");
                }
            }
        });
        return problems;
    }

    /** Names of packages in a file that its module cannot reach by the table. */
    static List<String> problemsOfUses(Source source, Map<String, String> modulesByPackage) {
        Set<String> reach = source.isMain() ? reach(source.module()) : testReach(source.module());
        Set<String> problems = new TreeSet<>();
        Matcher use = USE.matcher(source.text());
        while (use.find()) {
            String target = modulesByPackage.get(use.group(1));
            if (target != null && !target.equals(source.module()) && !reach.contains(target)) {
                problems.add(source.path() + ": names " + use.group() + ", and no arrow leads there");
            }
        }
        return List.copyOf(problems);
    }

    /** From the last word of a package, as in {@code io.nyala.rows}, to the directory of its module. */
    static Map<String, String> modulesByPackage(List<Source> sources) {
        Map<String, String> modules = new HashMap<>();
        for (Source source : sources) {
            String directory = source.directory();
            if (source.isMain()) {
                modules.put(directory.substring(directory.lastIndexOf('/') + 1), source.module());
            }
        }
        return modules;
    }

    private static Set<String> testReach(String module) {
        Set<String> all = new HashSet<>(reach(module));
        for (String support : TEST_SUPPORT) {
            all.add(support);
            all.addAll(reach(support));
        }
        return all;
    }

    private static Set<String> reach(String module) {
        Set<String> all = new HashSet<>();
        for (String target : ALLOWED.getOrDefault(module, Set.of())) {
            all.add(target);
            all.addAll(reach(target));
        }
        return all;
    }

    private static String first(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        return matcher.find() ? matcher.group(1) : "";
    }

    private static Map<String, Set<String>> table(String text) {
        Map<String, Set<String>> table = new LinkedHashMap<>();
        for (String line : text.lines().toList()) {
            int colon = line.indexOf(':');
            Set<String> needs =
                    new TreeSet<>(List.of(line.substring(colon + 1).strip().split(" ", -1)));
            needs.removeIf(String::isBlank);
            if (!table.keySet().containsAll(needs)) {
                throw new IllegalArgumentException("an arrow points up: " + line);
            }
            table.put(line.substring(0, colon).strip(), needs);
        }
        return table;
    }
}
