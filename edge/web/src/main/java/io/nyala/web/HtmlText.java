package io.nyala.web;

import java.util.List;
import java.util.Optional;

/** Pages as plain HTML, which needs no script. Made for one page, by one thread. */
final class HtmlText {
    /** Where each page leads: address and name. */
    private static final List<String> MENU = List.of(
            "/", "overview",
            "/tables", "tables",
            "/tablets", "tablets",
            "/scans", "scans",
            "/maintenance", "maintenance",
            "/memory", "memory",
            "/metrics", "metrics",
            "/metrics_prometheus", "Prometheus",
            "/healthz", "health");

    private final StringBuilder html = new StringBuilder(8192);

    private HtmlText() {}

    /**
     * A whole page.
     *
     * @param footer in the last line
     */
    static String of(Page page, Request request, String footer) {
        HtmlText text = new HtmlText();
        text.head(page, request);
        page.sections().forEach(text::section);
        text.link(page.previous(), "&larr; the lines before");
        text.link(page.next(), "the lines behind &rarr;");
        text.end(request, footer);
        return text.html.toString();
    }

    private void head(Page page, Request request) {
        html.append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>");
        escape(page.title());
        html.append(" - Nyala</title><style>")
                .append(Style.SHEET)
                .append("</style></head>\n<body><header><b>Nyala</b>");
        for (int i = 0; i < MENU.size(); i += 2) {
            html.append("<a href=\"").append(MENU.get(i)).append('"');
            html.append(MENU.get(i).equals(request.path()) ? " aria-current=\"page\">" : ">");
            html.append(MENU.get(i + 1)).append("</a>");
        }
        html.append("</header>\n<main><h1>");
        escape(page.title());
        html.append("</h1>\n");
    }

    private void end(Request request, String footer) {
        html.append("</main>\n<footer>");
        escape(footer);
        html.append(" &middot; <a href=\"");
        escape(request.with("json", "").address());
        html.append("\">this page as JSON</a></footer></body></html>\n");
    }

    private void link(Optional<String> address, String words) {
        address.ifPresent(target -> {
            html.append("<p><a href=\"");
            escape(target);
            html.append("\">").append(words).append("</a></p>\n");
        });
    }

    private void section(Page.Section section) {
        switch (section) {
            case Page.Facts facts -> facts(facts);
            case Page.Grid grid -> grid(grid);
            case Page.Drawing drawing -> drawing(drawing);
            case Page.Note note -> {
                html.append(note.isWarning() ? "<p class=\"warning\">" : "<p class=\"note\">");
                escape(note.text());
                html.append("</p>\n");
            }
        }
    }

    private void heading(String title) {
        if (!title.isEmpty()) {
            html.append("<h2>");
            escape(title);
            html.append("</h2>\n");
        }
    }

    private void facts(Page.Facts facts) {
        heading(facts.title());
        html.append("<table>\n");
        for (Page.Fact fact : facts.facts()) {
            html.append("<tr><th scope=\"row\">");
            escape(fact.name());
            html.append("</th><td>");
            content(fact.value());
            html.append("</td></tr>\n");
        }
        html.append("</table>\n");
    }

    private void grid(Page.Grid grid) {
        heading(grid.title());
        if (grid.lines().isEmpty()) {
            html.append("<p class=\"note\">");
            escape(grid.whenEmpty());
            html.append("</p>\n");
            return;
        }
        html.append("<div class=\"wide\"><table class=\"grid\"><thead><tr>");
        for (int i = 0; i < grid.headings().size(); i++) {
            html.append(
                    grid.lines().getFirst().get(i).isNumber()
                            ? "<th scope=\"col\" class=\"n\">"
                            : "<th scope=\"col\">");
            escape(grid.headings().get(i));
            html.append("</th>");
        }
        html.append("</tr></thead><tbody>\n");
        for (List<Cell> line : grid.lines()) {
            html.append("<tr>");
            for (Cell cell : line) {
                html.append(cell.isNumber() ? "<td class=\"n\">" : "<td>");
                content(cell);
                html.append("</td>");
            }
            html.append("</tr>\n");
        }
        html.append("</tbody></table></div>\n");
    }

    private void content(Cell cell) {
        cell.link().ifPresent(address -> {
            html.append("<a href=\"");
            escape(address);
            html.append("\">");
        });
        escape(cell.text());
        html.append(cell.link().isPresent() ? "</a>" : "");
        cell.picture().ifPresent(picture -> html.append(picture.text()));
    }

    private void drawing(Page.Drawing drawing) {
        heading(drawing.title());
        html.append(drawing.picture().text());
        html.append("\n<p class=\"note\">");
        escape(drawing.words());
        html.append("</p>\n");
    }

    private void escape(String text) {
        Markup.escape(text, html);
    }
}
