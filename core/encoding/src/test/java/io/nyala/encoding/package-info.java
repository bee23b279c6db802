/**
 * Tests of the encodings: random vectors against the plain values they came from, golden bytes, damaged bytes, heap
 * allocation.
 */
@NullMarked
package io.nyala.encoding;

import org.jspecify.annotations.NullMarked;
