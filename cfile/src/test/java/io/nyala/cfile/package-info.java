/**
 * Tests of the column container: random files against the lists they were made of, golden bytes, damaged bytes, failing
 * disks, the page cache against a model, heap allocation.
 */
@NullMarked
package io.nyala.cfile;

import org.jspecify.annotations.NullMarked;
