package io.nyala.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.Table;
import io.nyala.engine.TableSpec;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.OperationKind;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: each page can be read by people and by scripts, says what is so, and takes no name for markup. Method: pages of
 * a real engine over HTTP, read by strict readers; names that would do harm.
 */
final class WebPagesTest {
    private static final Pattern LINK = Pattern.compile("href=\"([^\"]*)\"");
    private static final OpenScanner SCANNER = new OpenScanner("5ca1ab1e", "<i>me</i>", Watched.NASTY, 2, 1, 90_000, 7);

    @TempDir
    private Path directory = Path.of("");

    private static Table filled(Watched watched) {
        Table table = watched.engine.createTable(Watched.NASTY, Watched.SCHEMA);
        Watched.write(table, OperationKind.INSERT, "a<b>", 0, 100);
        table.flush().join();
        Watched.write(table, OperationKind.INSERT, "a<b>\"", 50, 250);
        Watched.write(table, OperationKind.UPDATE, "a<b>", 0, 10);
        table.flush().join();
        Watched.write(table, OperationKind.INSERT, "c", 0, 5);
        return table;
    }

    /** All pages that can be come to from the first one. */
    private static Set<String> reachable(Browser browser) throws Exception {
        Set<String> seen = new TreeSet<>();
        Set<String> open = new TreeSet<>(Set.of("/"));
        while (!open.isEmpty()) {
            String address = open.iterator().next();
            open.remove(address);
            if (seen.add(address)) {
                HttpResponse<String> answer = browser.get(address);
                assertEquals(200, answer.statusCode(), address);
                if (type(answer).startsWith("text/html")) {
                    Matcher link = LINK.matcher(answer.body());
                    while (link.find()) {
                        open.add(link.group(1).replace("&amp;", "&"));
                    }
                }
                open.removeAll(seen);
            }
        }
        return seen;
    }

    private static String hashOfStyle(String page) throws Exception {
        String style = page.substring(page.indexOf("<style>") + "<style>".length(), page.indexOf("</style>"));
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(style.getBytes(StandardCharsets.UTF_8));
        return Base64.getEncoder().encodeToString(digest);
    }

    private static String type(HttpResponse<String> answer) {
        return answer.headers().firstValue("Content-Type").orElse("");
    }

    @Test
    void eachPageIsWellFormedWhateverTheNames() throws Exception {
        try (Watched watched = Watched.open(directory, WebConfig.at("127.0.0.1", 0), List.of(SCANNER));
                Browser browser = new Browser(watched.server)) {
            Table table = filled(watched);
            Set<String> addresses = reachable(browser);
            assertTrue(addresses.contains("/table?id=" + table.id()), () -> "no link to the table: " + addresses);
            assertTrue(
                    addresses.contains(
                            "/tablet?id=" + table.tablets().getFirst().id()),
                    addresses::toString);
            assertEquals(19, addresses.size(), addresses::toString); // Eight pages, each as JSON, metrics, health.
            for (String address : addresses) {
                HttpResponse<String> answer = browser.get(address);
                if (type(answer).startsWith("text/html")) {
                    assertFalse(HtmlReader.tags(answer.body()).contains("script"), address);
                    String policy = answer.headers()
                            .firstValue("Content-Security-Policy")
                            .orElse("");
                    assertTrue(policy.startsWith("default-src 'none'; style-src 'sha256-"), policy);
                    assertFalse(policy.contains("unsafe"), policy);
                    assertTrue(policy.contains("'sha256-" + hashOfStyle(answer.body()) + "'"), policy);
                } else if (type(answer).startsWith("application/json")) {
                    JsonReader.read(answer.body());
                }
                assertEquals(
                        "nosniff",
                        answer.headers().firstValue("X-Content-Type-Options").orElse(""));
            }
        }
    }

    @Test
    void theOverviewSaysWhatIsThere() throws Exception {
        try (Watched watched = Watched.open(directory);
                Browser browser = new Browser(watched.server)) {
            filled(watched);
            Map<String, Object> all = json(browser, "/");
            assertEquals("1.2 <b>", all.get("version"));
            assertEquals(directory.toString(), all.get("directory"));
            assertEquals(Map.of("master", "127.0.0.1:7051"), all.get("addresses"));
            Map<String, Object> data = JsonReader.map(all.get("data"));
            assertEquals(1L, data.get("tables"));
            assertEquals(305L, data.get("rows"));
            assertEquals(5L, data.get("rowsInMemory"));
            assertEquals(2L, data.get("rowsets"));
            assertTrue(number(all.get("disk"), "logRetainedBytes") >= 16 << 20);
            assertTrue(number(all.get("disk"), "freeBytes") > 0);
            List<Object> memory = JsonReader.list(all.get("byPurpose"));
            assertTrue(memory.stream()
                    .anyMatch(use -> "rows in memory".equals(JsonReader.map(use).get("purpose"))));
            assertEquals(2L, JsonReader.map(all.get("doneSinceItWasOpened")).get("flushes"));
        }
    }

    @Test
    void tablesAndTabletsSayWhatTheyHave() throws Exception {
        try (Watched watched = Watched.open(directory);
                Browser browser = new Browser(watched.server)) {
            Table table = filled(watched);
            long tabletId = table.tablets().getFirst().id();
            Map<String, Object> line = JsonReader.map(
                    JsonReader.list(json(browser, "/tables").get("tables")).getFirst());
            assertEquals(Watched.NASTY, line.get("name"));
            assertEquals(305L, line.get("rows"));
            assertEquals("running", line.get("state"));

            Map<String, Object> one = json(browser, "/table?id=" + table.id());
            assertEquals(3, JsonReader.list(one.get("columns")).size());
            assertEquals(
                    Watched.NASTY,
                    JsonReader.map(JsonReader.list(one.get("columns")).get(2)).get("default"));
            assertEquals(1, JsonReader.list(one.get("tablets")).size());

            Map<String, Object> tablet = JsonReader.map(
                    JsonReader.list(json(browser, "/tablets").get("tablets")).getFirst());
            assertEquals(tabletId, tablet.get("id"));
            assertEquals("running", tablet.get("state"));
            assertTrue(number(tablet, "logRecords") > 0);

            Map<String, Object> page = json(browser, "/tablet?id=" + tabletId);
            assertEquals("00tablet" + tabletId, page.get("idOfClients"));
            assertEquals(page, json(browser, "/tablet?id=00tablet" + tabletId));
            List<Object> rowSets = JsonReader.list(page.get("rowsets"));
            assertEquals(100L, JsonReader.map(rowSets.get(1)).get("rows"));
            assertEquals(10L, JsonReader.map(rowSets.get(1)).get("changes"));
            assertEquals("(id=\"a<b>00000\")", JsonReader.map(rowSets.get(1)).get("leastKey"));
            assertEquals(200L, JsonReader.map(rowSets.get(0)).get("rows")); // In the order of keys.
            String drawn = browser.get("/tablet?id=" + tabletId).body();
            assertEquals(1, occurrences("<rect class=\"changed chosen\"", drawn));
            assertEquals(0, occurrences("<rect class=\"rowset chosen\"", drawn), "it overlaps with no other");
        }
    }

    @Test
    void historyIsShownAndWarnedOfWhereItIsMoreThanTheRows() throws Exception {
        long mib = 1 << 20;
        assertTrue(history(300 * mib, 151 * mib).isPresent());
        assertFalse(history(300 * mib, 149 * mib).isPresent());
        assertFalse(history(60 * mib, 59 * mib).isPresent(), "it is little");
        try (Watched watched = Watched.open(directory);
                Browser browser = new Browser(watched.server)) {
            Table table = watched.engine.createTable("t", Watched.SCHEMA);
            for (int i = 0; i < 20; i++) {
                Watched.write(table, OperationKind.UPSERT, "a", 0, 300);
                Watched.write(table, OperationKind.DELETE, "a", 0, 300);
            }
            Watched.write(table, OperationKind.INSERT, "a", 0, 300);
            table.flush().join();
            long tabletId = table.tablets().getFirst().id();
            long bytes = number(json(browser, "/tablet?id=" + tabletId), "historyBytes");
            assertTrue(bytes > 1_000, () -> bytes + " bytes of 41 changes of 300 rows");
            assertEquals(
                    bytes,
                    number(
                            JsonReader.list(json(browser, "/tablets").get("tablets"))
                                    .getFirst(),
                            "historyBytes"));
            assertEquals(bytes, number(json(browser, "/table?id=" + table.id()), "ofTheseHistoryBytes"));
            assertEquals(bytes, number(json(browser, "/").get("disk"), "ofTheseHistoryBytes"));
            Map<String, Object> flushed =
                    JsonReader.map(json(browser, "/maintenance").get("writtenSinceItWasOpened"));
            assertEquals("1.00", flushed.get("writeAmplification"));
            assertEquals(table.statistics().diskBytes(), number(flushed, "byFlushesBytes"));
            table.vacuum().join();
            Map<String, Object> merged =
                    JsonReader.map(json(browser, "/maintenance").get("writtenSinceItWasOpened"));
            double times = 1 + (double) number(merged, "byMergesBytes") / number(merged, "byFlushesBytes");
            assertTrue(times > 1, merged::toString);
            assertEquals(String.format(Locale.ROOT, "%.2f", times), merged.get("writeAmplification"));
            assertEquals(0, number(json(browser, "/tablet?id=" + tabletId), "historyBytes"));
            assertFalse(browser.get("/").body().contains("class=\"warning\""));
        }
    }

    private static Optional<String> history(long diskBytes, long historyBytes) {
        return new Sums(1, 0, 0, 0, 0, 0, diskBytes, 0, historyBytes, 0, 0, 0, 0, 0, 0).historyWarning();
    }

    @Test
    void aTableIsFoundWhileItIsDroppedAndCanBeRecalled() throws Exception {
        try (Watched watched = Watched.open(directory);
                Browser browser = new Browser(watched.server)) {
            Table table = filled(watched);
            watched.engine.dropTable(table.name(), Duration.ofDays(1));
            Map<String, Object> line = JsonReader.map(
                    JsonReader.list(json(browser, "/tables").get("tables")).getFirst());
            assertEquals("dropped", line.get("state"));
            assertTrue(browser.get("/table?id=" + table.id()).body().contains("It was dropped"));
            assertEquals(
                    404,
                    browser.get("/tablet?id=" + table.tablets().getFirst().id()).statusCode());
        }
    }

    @Test
    void scannersOfClientsAreListed() throws Exception {
        try (Watched watched = Watched.open(directory, WebConfig.at("127.0.0.1", 0), List.of(SCANNER));
                Browser browser = new Browser(watched.server)) {
            Map<String, Object> page = json(browser, "/scans");
            assertEquals(0L, page.get("openScans"));
            Map<String, Object> scanner =
                    JsonReader.map(JsonReader.list(page.get("scanners")).getFirst());
            assertEquals("5ca1ab1e", scanner.get("id"));
            assertEquals("<i>me</i>", scanner.get("user"));
            assertEquals(90_000L, scanner.get("ageMillis"));
            assertTrue(browser.get("/scans").body().contains("1 min 30 s"));
        }
    }

    @Test
    void aFailedFlushIsSeen() throws Exception {
        try (Watched watched = Watched.open(directory);
                Browser browser = new Browser(watched.server)) {
            HttpResponse<String> well = browser.get("/healthz");
            assertEquals(200, well.statusCode());
            assertEquals("OK\n", well.body());
            Table table = watched.engine.createTable("t", Watched.SCHEMA);
            Watched.write(table, OperationKind.INSERT, "a", 0, 10);
            long tabletId = table.tablets().getFirst().id();
            assertEquals(
                    tabletId,
                    JsonReader.map(json(browser, "/").get("disk")).get("logHeldByTablet"),
                    "a number, as on other pages");
            Files.delete(directory.resolve("rowsets"));
            Assertions.assertThrows(
                    CompletionException.class, () -> table.flush().join());

            HttpResponse<String> ill = browser.get("/healthz");
            assertEquals(503, ill.statusCode());
            assertTrue(ill.body().contains("rowsets"), ill.body());
            Map<String, Object> page = json(browser, "/maintenance");
            assertEquals(1L, page.get("flushesFailed"));
            assertEquals(
                    1, JsonReader.list(page.get("tabletsThatAreToBeFlushed")).size());
            assertFalse(JsonReader.list(page.get("warnings")).isEmpty());
            assertTrue(browser.get("/").body().contains("class=\"warning\""));
            Files.createDirectory(directory.resolve("rowsets"));
            table.flush().join();
            assertEquals(200, browser.get("/healthz").statusCode());
        }
    }

    @Test
    void longListsAreCutIntoPages() throws Exception {
        try (Watched watched = Watched.open(directory);
                Browser browser = new Browser(watched.server)) {
            watched.engine.createTable("first", Watched.SCHEMA);
            PartitionSchema partitioning =
                    PartitionSchema.of(Watched.SCHEMA).hash(1050, "id").build();
            watched.engine.createTable(TableSpec.of("many", partitioning));
            Set<Object> ids = new TreeSet<>();
            String address = "/tablets?json";
            int pages = 0;
            while (!address.isEmpty()) {
                HttpResponse<String> answer = browser.get(address);
                Map<String, Object> page = JsonReader.map(JsonReader.read(answer.body()));
                JsonReader.list(page.get("tablets"))
                        .forEach(tablet -> ids.add(JsonReader.map(tablet).getOrDefault("id", "")));
                address = (String) page.getOrDefault("next", "");
                String link = answer.headers().firstValue("Link").orElse("");
                assertEquals(address.isEmpty() ? "" : "<" + address + ">; rel=\"next\"", link);
                pages++;
            }
            assertEquals(2, pages);
            assertEquals(1051, ids.size());
            String first = browser.get("/tablets").body();
            assertTrue(first.contains("Lines 1 to 1000 of 1051."));
            assertTrue(first.contains("href=\"/tablets?from=1000\""));
            String last = browser.get("/tablets?from=1000").body();
            assertTrue(last.contains("Lines 1001 to 1051 of 1051."));
            assertTrue(last.contains("href=\"/tablets?from=0\""));
            assertEquals(200, browser.get("/tablets?from=999999").statusCode());
            assertEquals(
                    1000 + 2 + 1,
                    JsonReader.list(JsonReader.read(browser.get("/metrics").body()))
                            .size());
            assertEquals(
                    51,
                    JsonReader.list(JsonReader.read(
                                    browser.get("/metrics?from=1000").body()))
                            .size());
        }
    }

    private static Map<String, Object> json(Browser browser, String address) throws Exception {
        HttpResponse<String> answer = browser.get(address + (address.contains("?") ? "&json" : "?json"));
        assertEquals(200, answer.statusCode(), answer::body);
        return JsonReader.map(JsonReader.read(answer.body()));
    }

    private static long number(@Nullable Object map, String name) {
        return (Long) JsonReader.map(map).getOrDefault(name, 0L);
    }

    private static int occurrences(String part, String text) {
        return (text.length() - text.replace(part, "").length()) / part.length();
    }
}
