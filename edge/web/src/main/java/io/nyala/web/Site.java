package io.nyala.web;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineClosedException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/** Which address answers what. Thread-safe. */
final class Site {
    private final Map<String, Function<Request, Page>> pages = new TreeMap<>();
    private final Map<String, Function<Request, Answer>> others = new TreeMap<>();
    private final String footer;

    Site(Engine engine, WebHost host, Instant started) {
        Catalog catalog = new Catalog(engine, host);
        HostPages ofHost = new HostPages(catalog, started);
        TabletPages tablets = new TabletPages(catalog);
        TablePages tables = new TablePages(catalog, tablets);
        pages.put("/", _ -> ofHost.overview());
        pages.put("/tables", tables::all);
        pages.put("/table", tables::one);
        pages.put("/tablets", tablets::all);
        pages.put("/tablet", tablets::one);
        pages.put("/scans", ofHost::scans);
        pages.put("/maintenance", _ -> ofHost.maintenance());
        // As Kudu calls them, for bookmarks and scripts.
        pages.put("/maintenance-manager", _ -> ofHost.maintenance());
        pages.put("/tablet-rowsetlayout-svg", tablets::one);
        pages.put("/memory", _ -> ofHost.memory());
        others.put("/healthz", _ -> ofHost.health());
        others.put("/metrics", request -> JsonMetrics.of(catalog, request, micros(started)));
        others.put("/metrics_prometheus", _ -> PrometheusText.of(catalog, micros(started) / 1e6));
        footer = "Nyala " + host.version();
    }

    private static long micros(Instant started) {
        return Duration.between(started, Instant.now()).toNanos() / 1000;
    }

    /**
     * The answer to a request that was understood.
     *
     * @throws WebException if it is none
     */
    Answer answer(Request request) {
        try {
            Function<Request, Page> page = pages.get(request.path());
            if (page != null) {
                return text(200, page.apply(request), request);
            }
            Function<Request, Answer> other = others.get(request.path());
            if (other != null) {
                return other.apply(request);
            }
        } catch (EngineClosedException e) {
            throw WebException.unavailable(Failures.text(e));
        }
        throw WebException.notFound("there is nothing at " + Cell.cut(request.path()) + "; there are "
                + String.join(", ", pages.keySet()) + ", " + String.join(", ", others.keySet()));
    }

    /** The answer to a request that is not answered with what it asks for. */
    Answer refusal(int status, String words, Request request) {
        Page page = new Page(status + " " + reason(status)).warning(words);
        page.facts("", "see", Cell.text("overview").linkedTo("/"));
        // Its own address is not repeated, whatever it is.
        return text(status, page, new Request("", request.isJson() ? Map.of("json", "") : Map.of()));
    }

    private static String reason(int status) {
        return switch (status) {
            case 400 -> "Bad request";
            case 404 -> "Not found";
            case 405 -> "Method not allowed";
            case 503 -> "Unavailable";
            default -> "Failed";
        };
    }

    private Answer text(int status, Page page, Request request) {
        Answer answer = request.isJson()
                ? Answer.of(status, Answer.JSON, JsonText.of(page))
                : Answer.of(status, Answer.HTML, HtmlText.of(page, request, footer));
        return answer.withNext(Optional.of(page).flatMap(Page::next));
    }
}
