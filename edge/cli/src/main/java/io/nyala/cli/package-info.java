/**
 * The {@code nyala} command.
 *
 * <ul>
 *   <li><b>Owns</b>: subcommands, their arguments and what they print.
 *   <li><b>Does not know</b>: server internals.
 *   <li><b>Threads</b>: one command per process.
 *   <li><b>Memory</b>: what the engine it opens uses.
 * </ul>
 */
@NullMarked
package io.nyala.cli;

import org.jspecify.annotations.NullMarked;
