package io.nyala.web;

import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads Prometheus' text format 0.0.4, strictly: a HELP and a TYPE before the samples of each metric, those together,
 * none twice. Stateless.
 */
final class PrometheusReader {
    private static final String NAME = "([a-zA-Z_:][a-zA-Z0-9_:]*)";
    private static final Pattern HELP = Pattern.compile("# HELP " + NAME + " (.+)");
    private static final Pattern TYPE = Pattern.compile("# TYPE " + NAME + " (counter|gauge)");
    private static final String LABEL = "[a-zA-Z_][a-zA-Z0-9_]*=\"(?:[^\"\\\\\n]|\\\\[\\\\n\"])*\"";
    private static final Pattern SAMPLE = Pattern.compile(
            NAME + "((?:\\{" + LABEL + "(?:," + LABEL + ")*,?\\})?) (-?[0-9.]+(?:[eE][+-]?[0-9]+)?|NaN|[+-]Inf)");

    private PrometheusReader() {}

    /** Each sample, by its name and labels as they are written. */
    static Map<String, Double> read(String text) {
        if (!text.endsWith("\n")) {
            throw new IllegalArgumentException("the last line has no end");
        }
        Map<String, Double> samples = new LinkedHashMap<>();
        Map<String, String> types = new HashMap<>();
        Set<String> helps = new HashSet<>();
        Set<String> ended = new HashSet<>();
        String present = "";
        for (String line : text.split("\n", -1)) {
            Matcher help = HELP.matcher(line);
            Matcher type = TYPE.matcher(line);
            Matcher sample = SAMPLE.matcher(line);
            if (help.matches()) {
                ended.add(present);
                present = help.group(1);
                check(helps.add(present) && !ended.contains(present), line);
            } else if (type.matches()) {
                check(type.group(1).equals(present) && types.put(present, type.group(2)) == null, line);
            } else if (sample.matches()) {
                check(sample.group(1).equals(present) && types.containsKey(present), line);
                check(!"counter".equals(types.get(present)) || present.endsWith("_total"), line);
                check(samples.put(sample.group(1) + sample.group(2), Double.valueOf(sample.group(3))) == null, line);
            } else {
                check(line.isEmpty(), line);
            }
        }
        return samples;
    }

    private static void check(boolean holds, String line) {
        if (!holds) {
            throw new IllegalArgumentException("not as the format has it: " + line);
        }
    }
}
