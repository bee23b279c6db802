/**
 * Tests of rowsets on disk: random rows with their histories against a sorted map, golden bytes, damaged bytes, failing
 * disks and scarce memory, heap allocation.
 */
@NullMarked
package io.nyala.diskrowset;

import org.jspecify.annotations.NullMarked;
