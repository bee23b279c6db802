package io.nyala.encoding;

import static org.junit.jupiter.api.Assertions.assertSame;

import io.nyala.memory.Kernels;
import org.junit.jupiter.api.Test;

/**
 * Goal: the second run of this module's tests is what it claims to be, a run on scalar kernels.
 * Method: belongs to that run alone, as its name does not end as those of the first run do; fails if the switch did not
 * arrive.
 */
final class OnScalarKernels {
    @Test
    void theSwitchArrived() {
        assertSame(Kernels.scalar(), Kernels.best());
    }
}
