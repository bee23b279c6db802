package io.nyala.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.LifecycleMethodExecutionExceptionHandler;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/**
 * Draws the seeds that {@link Seed} asks for, one per test execution, and says after a failure how to repeat it.
 *
 * <p>Unless told otherwise, an execution has the same seed in every run (its name, hashed), so that a failure belongs
 * to the change that is being tested. {@code -Dtest.seeds=random} explores, as the long variants of the tests do.
 *
 * <p>Stateless: the seed lives in JUnit's store of the execution.
 */
final class SeedExtension
        implements ParameterResolver,
                AfterTestExecutionCallback,
                TestExecutionExceptionHandler,
                LifecycleMethodExecutionExceptionHandler {
    private static final Namespace NAMESPACE = Namespace.create(SeedExtension.class);

    /** File for what each random draws next after its test: differs between runs if a test depends on more. */
    private static final @Nullable String DRAWS = System.getProperty("nyala.test.draws");

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        return parameter.isAnnotated(Seed.class) && (type == SplittableRandom.class || type == long.class);
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        long seed = context.getStore(NAMESPACE)
                .computeIfAbsent("seed", _ -> draw(System.getProperty("seed"), context.getUniqueId()), Long.class);
        if (parameter.getParameter().getType() == long.class) {
            return seed;
        }
        SplittableRandom random = new SplittableRandom(seed);
        context.getStore(NAMESPACE).put("random", random);
        return random;
    }

    @Override
    public void afterTestExecution(ExtensionContext context) throws IOException {
        SplittableRandom random = context.getStore(NAMESPACE).get("random", SplittableRandom.class);
        if (DRAWS != null && random != null) {
            String line = context.getUniqueId() + " " + Long.toHexString(random.nextLong()) + "\n";
            Files.writeString(Path.of(DRAWS), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        }
    }

    @Override
    public void handleTestExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        throw withRepetition(context, failure);
    }

    @Override
    public void handleBeforeEachMethodExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        throw withRepetition(context, failure);
    }

    @Override
    public void handleAfterEachMethodExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
        throw withRepetition(context, failure);
    }

    static long draw(@Nullable String given, String execution) {
        if (given == null || given.isBlank()) {
            return "random".equals(System.getProperty("nyala.test.seeds"))
                    ? ThreadLocalRandom.current().nextLong()
                    : hash(execution);
        }
        try {
            return Long.parseUnsignedLong(given.strip(), 16);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("-Dseed must be up to 16 hexadecimal digits, was " + given, e);
        }
    }

    /** FNV-1a of 64 bits (draft-eastlake-fnv), over the characters. */
    private static long hash(String text) {
        long hash = 0xCBF29CE484222325L;
        for (int i = 0; i < text.length(); i++) {
            hash = (hash ^ text.charAt(i)) * 0x100000001B3L;
        }
        return hash;
    }

    static String repetition(String module, String testClass, String method, long seed) {
        return "repeat with: mvn test -pl " + module + " -am -Dtest=" + testClass + "#" + method + " -Dseed="
                + Long.toHexString(seed);
    }

    private static Throwable withRepetition(ExtensionContext context, Throwable failure) {
        Long seed = context.getStore(NAMESPACE).get("seed", Long.class);
        if (seed != null) {
            String testClass = context.getRequiredTestClass().getSimpleName();
            String method = context.getTestMethod().map(m -> m.getName()).orElse("*");
            AssertionError hint = new AssertionError(repetition(SourceTree.module(), testClass, method, seed));
            hint.setStackTrace(new StackTraceElement[0]);
            failure.addSuppressed(hint);
        }
        return failure;
    }
}
