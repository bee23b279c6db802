package io.nyala.memory;

import org.jspecify.annotations.Nullable;

/**
 * Holds the kernels of this JVM as constants, so that the JIT knows which they are. Apart from {@link Kernels}, because
 * a class should not make its own subclasses while it is being initialized.
 */
final class KernelChoice {
    static final Kernels SCALAR = new ScalarKernels();
    static final Kernels BEST = best();

    private static final String PROPERTY = "nyala.kernels";

    private KernelChoice() {}

    private static Kernels best() {
        String asked = System.getProperty(PROPERTY, "");
        if (asked.equals("scalar") || !hasVectors()) {
            return SCALAR;
        }
        return asked.equals("vector") ? Vectors.OR_SCALAR : new WarmingKernels(WarmingKernels.WarmUp.USUAL);
    }

    private static boolean hasVectors() {
        return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    }

    /** Loaded with the Vector API, which takes a tenth of a second, when the first of them is wanted. */
    static final class Vectors {
        static final @Nullable Kernels VECTOR = hasVectors() ? new VectorKernels() : null;

        /** Registers of less than 128 bits, or none, are not worth it. */
        static final Kernels OR_SCALAR = VECTOR == null || VectorKernels.BITS < 128 ? SCALAR : VECTOR;

        private Vectors() {}
    }
}
