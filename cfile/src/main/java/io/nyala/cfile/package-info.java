/**
 * The column container on disk: written once, then only read.
 *
 * <pre>{@code
 *   writer side                                          reader side
 *   ColumnWriter -> VectorStage -> pages --\             ColumnReader -> prune by zones
 *        ...                                +-> [ file ] -> PageCache -> ColumnCursor -> caller's memory
 *   KeyWriter -> filter, index ------------/             KeyFilter, KeyIndex, KeySearch
 * }</pre>
 *
 * <p>The format is drawn in {@code FileFormat} (the whole), {@code PageFormat} (a page), {@code FooterFormat} (the
 * directory), {@link io.nyala.cfile.KeyFilter} and {@link io.nyala.cfile.KeyIndex}; a vector in {@code
 * io.nyala.encoding}.
 *
 * <ul>
 *   <li><b>Owns</b>: sections, pages, footer, key index, key filter, zones, checksums, the page cache, read-ahead.
 *   <li><b>Does not know</b>: deltas, transactions, what columns mean and which of them form a row.
 *   <li><b>Threads</b>: a writer and a cursor belong to one thread; readers and the cache are shared.
 *   <li><b>Memory</b>: pages live in the page cache and are pinned while in use; directory and key index stay in
 *       memory while a file is open. Finding a cached page and reading it allocates nothing.
 * </ul>
 */
@NullMarked
package io.nyala.cfile;

import org.jspecify.annotations.NullMarked;
