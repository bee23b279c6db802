package io.nyala.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Goal: the kernels load and work in a JVM without the Vector API, and can be chosen. Method: a child JVM with other
 * flags, which prints what it chose.
 */
final class KernelChoiceTest {
    /** What the child runs. */
    static final class Child {
        private Child() {}

        public static void main(String[] arguments) {
            try (var budget = MemoryBudget.open(PageSource.jdk(), 2 << 20);
                    MemoryAccount account = budget.account("child", 0)) {
                Slab slab = account.take(16 << 10);
                Kernels.best().unpack(slab.segment(), 0, 13, 100, 42, slab.segment(), 4 << 10);
                System.out.print(Kernels.best().name() + " " + slab.segment().get(Kernels.LONG, 4 << 10) + " "
                        + (Kernels.vector() != null));
                account.giveBack(slab);
            }
        }
    }

    @Test
    void worksWithoutTheVectorApi() throws IOException, InterruptedException {
        assertEquals("scalar 42 false", child(List.of()));
    }

    @Test
    void obeysTheSwitch() throws IOException, InterruptedException {
        var vectors = List.of("--add-modules", "jdk.incubator.vector");
        assertEquals("scalar, then vector 42 true", child(vectors));
        assertEquals("scalar 42 true", child(vectors, "-Dnyala.kernels=scalar"));
        assertEquals("vector of " + VectorKernels.BITS + " bits 42 true", child(vectors, "-Dnyala.kernels=vector"));
    }

    @Test
    void changesToVectorsByAndBy() {
        var turns = new WarmingKernels.Turns(new WarmingKernels.WarmUp(10, 4, 3));
        var seen = new StringBuilder();
        for (int i = 0; i < 30; i++) {
            seen.append(turns.isVectors() ? 'v' : 's');
        }
        assertEquals("ssssssssss" + "vsssvsssvsss" + "vvvvvvvv", seen.toString());
    }

    private static String child(List<String> flags, String... more) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.addAll(List.of(more));
        command.addAll(List.of("-Xshare:auto", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"));
        command.add(System.getProperty("java.class.path"));
        command.add(Child.class.getName());
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        return output;
    }
}
