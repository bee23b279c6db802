package io.nyala.memory;

import org.jspecify.annotations.Nullable;

/**
 * Holds the kernels of this JVM as constants, so that the JIT knows which they are. Apart from {@link Kernels}, because
 * a class should not make its own subclasses while it is being initialized.
 */
final class KernelChoice {
    static final Kernels SCALAR = new ScalarKernels();
    static final @Nullable Kernels VECTOR = vectorIfPresent();
    static final Kernels BEST = best(VECTOR);

    private static final String PROPERTY = "nyala.kernels";

    private KernelChoice() {}

    private static @Nullable Kernels vectorIfPresent() {
        boolean present = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
        return present ? new VectorKernels() : null;
    }

    private static Kernels best(@Nullable Kernels vector) {
        boolean scalarAsked = "scalar".equals(System.getProperty(PROPERTY));
        return vector == null || scalarAsked || VectorKernels.BITS < 128 ? SCALAR : vector;
    }
}
