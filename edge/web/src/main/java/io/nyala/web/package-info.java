/**
 * What an engine has and does, for people in a browser and for machines that collect metrics: HTTP, read-only.
 *
 * <pre>{@code
 *   browser  -->  WebServer  -->  PageMaker  -->  Engine.view, Table.views        (counters; no row is looked at)
 *                     |               |
 *                     |            a Page  -->  HtmlText or JsonText  -->  bytes
 *                     '--- bytes, when they are complete, as slowly as the browser reads
 * }</pre>
 *
 * <ul>
 *   <li><b>Owns</b>: the pages, their pictures and their JSON, metrics in two formats, the HTTP server.
 *   <li><b>Does not know</b>: Kudu's protocol; what it has to say of that, a {@link io.nyala.web.WebHost} says.
 *   <li><b>Threads</b>: the HTTP server's, up to 16 more for requests under way, and one that ends late ones.
 *   <li><b>Memory</b>: the heap: a few answers of bounded size.
 * </ul>
 */
@NullMarked
package io.nyala.web;

import org.jspecify.annotations.NullMarked;
