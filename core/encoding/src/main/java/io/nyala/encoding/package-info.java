/**
 * Vectors of up to 1,024 values to bytes and back, as pure functions over segments.
 *
 * <pre>{@code
 *   flat form                       encoded form                           flat form, cells, bitmaps
 *   cells, or     VectorEncoder     one vector     EncodedVector.wrap       VectorDecoder (all, selected, one)
 *   FlatBinary  ----------------->  [ bytes ]  ------------------------->   VectorPredicates (on the encoded form)
 *                choose by size                     check geometry
 * }</pre>
 *
 * A vector holds fixed cells of 1, 2, 4, 8 or 16 bytes, as raw little-endian bits, or byte strings. What the bits
 * mean, and which values are null, the caller knows: it passes zero or an empty string in place of a null and keeps
 * the validity beside.
 *
 * <p>A new encoding is a new constant of {@link io.nyala.encoding.VectorEncoding}, a class {@code XVector} beside the
 * others that draws its bytes, and a branch in the switches of {@code EncodedVector}, {@code VectorDecoder}, {@code
 * VectorPredicates} and {@code VectorEncoder}, which the compiler points out because none has a default.
 *
 * <ul>
 *   <li><b>Owns</b>: encodings, and the choice among them.
 *   <li><b>Does not know</b>: files, checksums, nulls, column types.
 *   <li><b>Threads</b>: functions have no state; {@link io.nyala.encoding.EncodedVector}, {@link
 *       io.nyala.encoding.FlatBinary} and {@link io.nyala.encoding.EncoderScratch} are handles that belong to one
 *       thread at a time.
 *   <li><b>Memory</b>: reads and writes memory of the caller; allocates nothing per vector. {@link
 *       io.nyala.encoding.EncoderScratch} takes one slab once.
 *   <li><b>Trust</b>: what is read from a vector is checked before it is used, so damaged bytes give {@link
 *       io.nyala.encoding.CorruptVectorException} or other values, never an access outside of the vector and its
 *       padding. That values are the right ones is for the checksum of the container to say.
 * </ul>
 */
@NullMarked
package io.nyala.encoding;

import org.jspecify.annotations.NullMarked;
