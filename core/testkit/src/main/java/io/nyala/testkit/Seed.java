package io.nyala.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Marks the {@code SplittableRandom} (or {@code long}) parameter of a test, or of its set-up method, that is to differ
 * between executions. Each has the same in every run, unless {@code -Dtest.seeds=random}. A failure prints how to
 * repeat it; {@code -Dseed=HEX} repeats.
 *
 * <pre>
 * &#64;RepeatedTest(64)
 * void readsBackWhatWasWritten(&#64;Seed SplittableRandom random)
 * </pre>
 */
@Documented
@Target(ElementType.PARAMETER)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(SeedExtension.class)
public @interface Seed {}
