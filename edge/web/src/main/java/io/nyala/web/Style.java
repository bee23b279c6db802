package io.nyala.web;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;

/**
 * How all pages look: one style sheet inside each page, and the policy that lets a browser use it and nothing else: no
 * script, no picture, no font, no frame, nothing of other hosts. Stateless.
 */
final class Style {
    static final String SHEET = """
        :root{color-scheme:light dark;--paper:#fff;--ink:#1b2430;--soft:#5b6675;--line:#dfe4ea;--zebra:#f6f8fa;\
        --accent:#2a6fb0;--bar:#4c93d0;--over:#c98a1b;--bad:#b3261e;--fresh:#57a773}
        @media(prefers-color-scheme:dark){:root{--paper:#14181d;--ink:#dfe5ec;--soft:#93a0af;--line:#2a323c;\
        --zebra:#1a2027;--accent:#7fb7ea;--bar:#3d78ad;--over:#d9a441;--bad:#ff8a80;--fresh:#3f8a5c}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
        header,main,footer{max-width:76rem;margin:0 auto;padding:0 1.2rem}
        header{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;align-items:baseline;padding-top:.9rem;\
        padding-bottom:.7rem;border-bottom:1px solid var(--line)}
        header b{font-size:1.15rem;margin-right:.6rem}
        a{color:var(--accent);text-decoration:none}
        a:hover,a:focus{text-decoration:underline}
        a[aria-current]{color:var(--ink);font-weight:600}
        h1{font-size:1.5rem;line-height:1.25;margin:1.3rem 0 .6rem;overflow-wrap:anywhere}
        h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
        .wide{overflow-x:auto}
        table{border-collapse:collapse;font-variant-numeric:tabular-nums}
        th,td{padding:.28rem .8rem .28rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);\
        overflow-wrap:anywhere;unicode-bidi:isolate}
        thead th{position:sticky;top:0;background:var(--paper);white-space:nowrap}
        .grid td,.grid th{padding:.28rem .7rem}
        .grid{width:100%}
        .grid tbody tr:nth-child(even){background:var(--zebra)}
        th{color:var(--soft);font-weight:500}
        .n{text-align:right;white-space:nowrap}
        p.note{color:var(--soft)}
        p.warning{color:var(--bad);border-left:3px solid var(--bad);padding-left:.7rem;overflow-wrap:anywhere}
        svg{display:block}
        svg.bar{width:12.5rem;height:.62rem;margin-top:.45rem}
        svg.layout{width:100%;height:auto;margin:.6rem 0}
        .whole{fill:var(--line)}.used{fill:var(--bar)}.over{fill:var(--over)}.mark{fill:var(--ink)}
        .rowset{fill:var(--bar);stroke:var(--paper);stroke-width:.7}.changed{fill:var(--over);stroke:var(--paper);\
        stroke-width:.7}.chosen{stroke:var(--ink);stroke-width:1.5}.fresh{fill:var(--fresh)}.missing{fill:var(--bad)}
        .axis{fill:var(--soft);font:11px system-ui,sans-serif}.end{text-anchor:end}
        .in{fill:var(--paper);font:10px system-ui,sans-serif;pointer-events:none}
        footer{color:var(--soft);border-top:1px solid var(--line);margin-top:2.2rem;padding-top:.7rem;\
        padding-bottom:1.4rem}
        """;

    /** What a browser may do with a page: see <a href="https://www.w3.org/TR/CSP3/">CSP</a>. */
    static final String POLICY = "default-src 'none'; style-src 'sha256-" + hash(SHEET)
            + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private Style() {}

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return Base64.getEncoder().encodeToString(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("each Java has SHA-256", e);
        }
    }
}
