/**
 * Support for tests that needs nothing of the engine.
 *
 * <ul>
 *   <li><b>Owns</b>: seeds that can be repeated, golden scripts, allocation and leak checks, time budgets; in its own
 *       tests the house rules, which read the source tree of all modules.
 *   <li><b>Does not know</b>: any other module. A module's tests stand on this one, so it must stand on the ground.
 *   <li><b>Threads</b>: as JUnit runs it.
 *   <li><b>Memory</b>: none.
 * </ul>
 */
@NullMarked
package io.nyala.testkit;

import org.jspecify.annotations.NullMarked;
