package io.nyala.web;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads a page as strictly as no browser does: each tag is closed where it must be, each attribute is in double quotes,
 * each special sign is escaped. Stateless.
 */
final class HtmlReader {
    private static final Set<String> NEVER_CLOSED = Set.of("meta");
    private static final Pattern TAG = Pattern.compile("<(/?)([a-z][a-z0-9]*)((?: [A-Za-z-]+=\"[^\"<>]*\")*)>");
    private static final Pattern ATTRIBUTE = Pattern.compile(" ([A-Za-z-]+)=\"([^\"]*)\"");
    private static final Pattern TEXT = Pattern.compile("(?:[^<>&]|&(?:amp|lt|gt|quot|#39|middot|larr|rarr);)*");

    private HtmlReader() {}

    /** The names of all tags of a page; throws if it is not as it must be. */
    static Set<String> tags(String page) {
        String doctype = "<!DOCTYPE html>\n";
        if (!page.startsWith(doctype)) {
            throw new IllegalArgumentException("no doctype");
        }
        Set<String> names = new TreeSet<>();
        Deque<String> open = new ArrayDeque<>();
        Matcher tag = TAG.matcher(page);
        Matcher text = TEXT.matcher(page);
        int at = doctype.length();
        while (at < page.length()) {
            if (page.charAt(at) == '<') {
                if (!tag.find(at) || tag.start() != at) {
                    throw bad("a tag", page, at);
                }
                read(tag, open, page);
                names.add(tag.group(2));
                at = tag.end();
            } else if (!open.isEmpty() && "style".equals(open.peek())) {
                at = page.indexOf("</style>", at);
            } else {
                if (!text.find(at) || text.start() != at || text.end() == at) {
                    throw bad("text", page, at);
                }
                at = text.end();
            }
        }
        if (!open.isEmpty()) {
            throw new IllegalArgumentException("never closed: " + open);
        }
        return names;
    }

    private static void read(Matcher tag, Deque<String> open, String page) {
        String name = tag.group(2);
        if (tag.group(1).isEmpty()) {
            Matcher attribute = ATTRIBUTE.matcher(tag.group(3));
            while (attribute.find()) {
                if (!TEXT.matcher(attribute.group(2)).matches()) {
                    throw bad("an escaped attribute", page, tag.start());
                }
                if (attribute.group(1).startsWith("on") || attribute.group(1).equals("style")) {
                    throw bad("an attribute that the policy allows", page, tag.start());
                }
            }
            if (!NEVER_CLOSED.contains(name)) {
                open.push(name);
            }
        } else if (open.isEmpty() || !open.pop().equals(name)) {
            throw bad("the end of another tag than " + name, page, tag.start());
        }
    }

    private static IllegalArgumentException bad(String expected, String page, int at) {
        return new IllegalArgumentException("expected " + expected + " at " + at + ", found: "
                + page.substring(at, Math.min(page.length(), at + 80)));
    }
}
